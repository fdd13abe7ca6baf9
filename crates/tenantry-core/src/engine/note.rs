//! Records what a request tells about its caller, besides carrying out their operation.

use crate::{
    access::caller::Caller,
    engine::Engine,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
};

impl Engine {
    /// Records that the caller's API token is in use, or what a user's credential says about them. Best effort: the
    /// operation does not depend on it.
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

/// Whether the refusal was decided about a caller who is known: not before their credential was accepted, and not
/// because this service failed.
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
