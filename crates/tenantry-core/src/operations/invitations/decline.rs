use serde_json::json;

use super::{
    addressed::{Named, require_open},
    close::{close, closed},
};
use crate::{
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::InvitationState,
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        validate::Violations,
    },
    wire::{Done, input},
};

input! {
    /// Declines an invitation, by its token, or by its id when it is addressed to the caller. One that was declined
    /// already stays so; its token is refused as `revoked` from then on, and its address can be invited again.
    pub struct Decline {
        /// The token; either this or `id`.
        pub token: Option<String>,
        /// The id; either this or `token`.
        pub id: Option<InvitationId>,
    }
}

impl Operation for Decline {
    type Output = Done;

    const ROUTE: &'static str = "invitations/decline";
    const SUMMARY: &'static str = "Decline an invitation";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::EmailMismatch,
        ErrorKind::EmailUnverified,
        ErrorKind::OrganizationSuspended,
        ErrorKind::NotFound,
        ErrorKind::Expired,
        ErrorKind::Revoked,
        ErrorKind::Used,
    ];
    const EVENT: Option<&'static str> = Some("invitations.decline");
    const FREES: bool = true;
    const BY_ADDRESS: bool = true;

    fn check(&self, problems: &mut Violations) {
        self.named().check(problems);
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        self.named().locate(request).await.map(Some)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let user = tx.user()?;
        let (id, row) = self.named().get(tx, user).await?;
        tx.organization().await?.require_active()?;
        match row.state {
            InvitationState::Declined => return Ok(Done { ok: true }),
            InvitationState::Open => require_open(tx.now, &row)?,
            state => return Err(closed(state)),
        }
        let details = json!({ "to": row.address.to_string() });
        close(tx, id, row, InvitationState::Declined).await?;
        tx.record(Some(id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}

impl Decline {
    fn named(&self) -> Named<'_> {
        Named { token: self.token.as_deref(), id: self.id }
    }
}
