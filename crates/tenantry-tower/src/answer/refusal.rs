//! Why a request is refused, and how long that stays so.

use std::sync::Arc;

use tenantry_core::values::error::{Error, ErrorKind};

use crate::generations::{Moment, Subjects};

/// A refusal. Shared, since one load answers several requests.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    error: Error,
    basis: Basis,
}

/// On what a refusal depends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Basis {
    /// On the request alone, and on the keys of issuers: on nothing that notices tell of.
    Request,
    /// It was read from that moment on, and stays so until there is a notice about one of these.
    Read(Moment, Subjects),
    /// On what the host says of the credential: that it is nobody's.
    Nobody,
    /// On more than notices tell of: which organization has a slug, whether one has an owner.
    Untold,
}

impl Refusal {
    /// What was read from that moment on, and stays so until there is a notice about one of `subjects`.
    pub(crate) fn since(error: Error, began: Moment, subjects: Subjects) -> Self {
        Self(Arc::new(Inner { error, basis: Basis::Read(began, subjects) }))
    }

    /// What is wrong with the request itself.
    pub(crate) fn of_the_request(error: Error) -> Self {
        Self(Arc::new(Inner { error, basis: Basis::Request }))
    }

    /// The host knows nobody by this credential; `error` is answered where somebody is needed.
    pub(crate) fn nobody(error: Error) -> Self {
        Self(Arc::new(Inner { error, basis: Basis::Nobody }))
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    pub(crate) fn basis(&self) -> Basis {
        self.0.basis
    }

    /// Whether the refusal is temporary: the store is away, there were too many tries, or something is broken. Such a
    /// refusal is never remembered.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.0.error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Internal)
    }
}

/// A refusal that depends on more than notices tell of, unless somebody says better.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(Arc::new(Inner { error, basis: Basis::Untold }))
    }
}
