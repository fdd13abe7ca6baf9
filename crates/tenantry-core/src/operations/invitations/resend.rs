use serde_json::json;

use super::{addressed::find, allowance, close::closed};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{InvitationState, keys},
    secret::InvitationToken,
    store::Key,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        validate::Violations,
    },
    wire::{OrgInvitation, OrgInvitationCreated, input},
};

input! {
    /// Gives an invitation that nobody has answered a new token. Every older one is dead at once, those that were
    /// mailed too, and the time in which it can be accepted starts anew, also when it had run out.
    pub struct Resend {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which invitation.
        pub id: InvitationId,
        /// Until when it can be accepted; seven days from now if absent, or until the API token ends that resends. One
        /// that ends invites nobody for longer.
        pub expires_at: Option<Timestamp>,
    }
}

impl Operation for Resend {
    type Output = OrgInvitationCreated;

    const ROUTE: &'static str = "invitations/resend";
    const SUMMARY: &'static str = "Give an invitation a new token";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::AlreadyMember,
        ErrorKind::Expired,
        ErrorKind::GrantExceedsOwn,
        ErrorKind::RateLimited,
        ErrorKind::Revoked,
        ErrorKind::Used,
    ];
    const EVENT: Option<&'static str> = Some("invitations.resend");

    fn check(&self, problems: &mut Violations) {
        problems.expiry("expiresAt", self.expires_at);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        super::addressed::either_key(self.id).to_vec()
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<OrgInvitationCreated, Error> {
        let organization = tx.organization().await?;
        allowance::require_inviter(tx, &organization).await?;
        let mut row = find(tx, self.id).await?.ok_or_else(|| Error::not_found("invitation"))?;
        // Resending an invitation grants its roles once more: the caller must be allowed to grant them.
        let roles = tx.roles().await?;
        tx.authority.may_grant(&roles, &row.roles)?;
        if row.state != InvitationState::Open {
            return Err(closed(row.state));
        }
        let known = tx.get(&keys::address(&row.address.normal())).await?.unwrap_or_default();
        if !known.members.is_empty() {
            return Err(super::invitee::already_member());
        }
        allowance::count_mails(tx, 1).await?;
        let token = InvitationToken::new(self.organization_id, self.id, tx.entropy())?;
        row.secret = token.hashed();
        row.mailing = super::mail::later(tx, self.id)?;
        row.expires_at = super::invitee::end(tx, self.expires_at)?;
        tx.put(&keys::invitation(self.id), &row)?;
        let details = json!({ "to": row.address.to_string(), "roles": row.roles, "expiresAt": row.expires_at });
        tx.record(Some(self.id.to_string()), &details)?;
        let named = (self.organization_id, organization.name.as_str());
        let invitation = OrgInvitation::new(self.id, named, row, &roles, tx.now);
        Ok(OrgInvitationCreated { invitation, token: token.plain().expose().to_owned() })
    }
}
