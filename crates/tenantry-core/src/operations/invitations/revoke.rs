use serde_json::json;

use super::{addressed::find, close::close};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{InvitationRow, InvitationState},
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        role::RoleName,
    },
    wire::{Done, input},
};

input! {
    /// Withdraws an invitation. One that was withdrawn already stays so.
    pub struct Revoke {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which invitation.
        pub id: InvitationId,
    }
}

impl Operation for Revoke {
    type Output = Done;

    const ROUTE: &'static str = "invitations/revoke";
    const SUMMARY: &'static str = "Withdraw an invitation";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::Used];
    const EVENT: Option<&'static str> = Some("invitations.revoke");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        super::addressed::either_key(self.id).to_vec()
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let row = find(tx, self.id).await?.ok_or_else(|| Error::not_found("invitation"))?;
        match row.state {
            InvitationState::Accepted => {
                Err(Error::new(ErrorKind::Used, "the invitation was accepted: remove the member instead"))
            }
            InvitationState::Revoked
            | InvitationState::Expired
            | InvitationState::Declined
            | InvitationState::Superseded => Ok(Done { ok: true }),
            InvitationState::Open => {
                let details = json!({ "to": row.address.to_string() });
                withdraw(tx, self.id, row).await?;
                tx.record(Some(self.id.to_string()), &details)?;
                Ok(Done { ok: true })
            }
        }
    }
}

/// Withdraws an open invitation, if the caller may.
pub(crate) async fn withdraw(tx: &mut Transaction<'_>, id: InvitationId, row: InvitationRow) -> Result<(), Error> {
    if row.roles.iter().any(RoleName::is_owner) && !tx.authority.owner {
        return Err(Error::new(ErrorKind::Forbidden, "only an owner can withdraw an owner's invitation"));
    }
    close(tx, id, row, InvitationState::Revoked).await
}
