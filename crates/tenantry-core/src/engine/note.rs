//! What is noted of whoever calls, beside their operation.

use crate::{
    access::caller::Caller,
    engine::Engine,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
};

impl Engine {
    /// Notes that the caller's API token is in use, and what a user's credential tells of them. Nothing depends on it.
    pub(crate) async fn note_caller(
        &self,
        caller: &Caller,
        refusal: Option<&Error>,
        profile_is_due: Option<OrganizationId>,
    ) {
        let noted = match (caller, profile_is_due) {
            (Caller::Token(presented), _) if refusal.is_none_or(is_decision) => self.note_presented(presented).await,
            (Caller::User(identity), Some(organization)) => self.refresh_profile(identity, organization).await,
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::debug!(%error, "who called was not noted");
        }
    }
}

/// Whether a refusal was decided of a caller who is known, and not before or in spite of it.
fn is_decision(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::InvalidRequest
            | ErrorKind::Unauthenticated
            | ErrorKind::InvalidToken
            | ErrorKind::ExpiredToken
            | ErrorKind::RateLimited
            | ErrorKind::Internal
            | ErrorKind::Unavailable
    )
}
