//! A user of whom the host says that they are calling.

use std::sync::Arc;

use tenantry_core::{access::caller::Identity, values::clock::Timestamp};

/// A user whom an [`IdentitySource`](super::IdentitySource) has recognized, and until when that may be believed.
///
/// Made of an [`Identity`], or of one that is shared (`Arc<Identity>`), which costs no allocation at each request.
#[derive(Debug, Clone)]
pub struct AuthenticatedUser {
    pub(super) identity: Arc<Identity>,
    pub(super) until: Option<Timestamp>,
}

impl AuthenticatedUser {
    /// The user, for as long as the source goes on saying so.
    #[must_use]
    pub fn new(identity: impl Into<Arc<Identity>>) -> Self {
        Self { identity: identity.into(), until: None }
    }

    /// When their session ends by itself: from then on, what was remembered of it is not believed.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }
}

impl From<Identity> for AuthenticatedUser {
    fn from(identity: Identity) -> Self {
        Self::new(identity)
    }
}

impl From<Arc<Identity>> for AuthenticatedUser {
    fn from(identity: Arc<Identity>) -> Self {
        Self::new(identity)
    }
}
