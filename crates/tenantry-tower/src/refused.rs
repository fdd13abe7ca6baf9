//! Why a request is refused, and how long that stays so.

use std::sync::Arc;

use tenantry_core::error::{Error, ErrorKind};

use crate::generations::{Moment, Subjects};

/// A refusal. Shared, since one load answers several requests.
#[derive(Debug, Clone)]
pub(crate) struct Refused(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    error: Error,
    /// On what it depends, if notices tell of all that.
    basis: Option<(Moment, Subjects)>,
}

impl Refused {
    /// What was read from that moment on, and stays so until there is a notice about one of `subjects`.
    pub(crate) fn since(error: Error, began: Moment, subjects: Subjects) -> Self {
        Self(Arc::new(Inner { error, basis: Some((began, subjects)) }))
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    pub(crate) fn basis(&self) -> Option<(Moment, Subjects)> {
        self.0.basis
    }

    /// Whether it tells only that nothing can be told now.
    pub(crate) fn is_of_the_moment(&self) -> bool {
        matches!(self.0.error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Internal)
    }
}

/// A refusal that depends on more than notices tell of.
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(Arc::new(Inner { error, basis: None }))
    }
}
