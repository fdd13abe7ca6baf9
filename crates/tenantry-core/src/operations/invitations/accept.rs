use serde_json::json;

use super::addressed::{Named, close, require_open};
use crate::{
    caller::Identity,
    change::Change,
    error::{Error, ErrorKind},
    ids::{InvitationId, OrganizationId},
    operation::{Locate, Needs, Operation},
    operations::{input, members::join, output},
    role::RoleName,
    rows::{InvitationRow, InvitationState, OrganizationRow, keys},
    transaction::Transaction,
    validate::Violations,
};

input! {
    /// Accepts an invitation, by its token, or by its id when it is addressed to the caller.
    pub struct Accept {
        /// The token; either this or `id`.
        pub token: Option<String>,
        /// The id; either this or `token`.
        pub id: Option<InvitationId>,
    }
}

output! {
    /// Where the caller is a member now.
    pub struct Joined {
        /// The organization.
        pub organization_id: OrganizationId,
        /// The highest of the caller's roles.
        pub role: RoleName,
        /// Whether they were a member before: then nothing was changed.
        pub already_member: bool,
    }
}

impl Operation for Accept {
    type Output = Joined;

    const ROUTE: &'static str = "invitations/accept";
    const SUMMARY: &'static str = "Accept an invitation";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::EmailMismatch,
        ErrorKind::EmailUnverified,
        ErrorKind::OrganizationSuspended,
        ErrorKind::NotFound,
        ErrorKind::SeatsExhausted,
        ErrorKind::OwnedLimit,
        ErrorKind::Expired,
        ErrorKind::Revoked,
        ErrorKind::Used,
    ];
    const EVENT: Option<&'static str> = Some("invitations.accept");
    const BY_ADDRESS: bool = true;

    fn check(&self, problems: &mut Violations) {
        self.named().check(problems);
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        self.named().locate(request).await.map(Some)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Joined, Error> {
        let user = tx.user()?;
        let (id, row) = self.named().get(tx, user).await?;
        let organization = tx.organization().await?;
        organization.require_active()?;
        let organization_id = tx.organization_id()?;
        if let Some(member) = tx.get(&keys::member(&user.id)).await? {
            let role = tx.roles().await?.ranked(member.roles).into_iter().next().unwrap_or_else(RoleName::member);
            return Ok(Joined { organization_id, role, already_member: true });
        }
        let role = take(tx, user, (id, row), organization).await?;
        Ok(Joined { organization_id, role, already_member: false })
    }
}

/// Makes the user a member by an open invitation, and answers the highest of their roles.
pub(super) async fn take(
    tx: &mut Transaction<'_>,
    user: &Identity,
    (id, row): (InvitationId, InvitationRow),
    organization: OrganizationRow,
) -> Result<RoleName, Error> {
    require_open(tx.now, &row)?;
    let roles = row.roles.clone();
    close(tx, id, row, InvitationState::Accepted).await?;
    join::admit(tx, user, roles.clone(), organization, Some(id)).await?;
    let change = Change::Member(tx.organization_id()?, user.id.clone());
    tx.changed(change, Some(user.id.to_string()), &json!({ "invitation": id, "roles": roles }))?;
    Ok(tx.roles().await?.ranked(roles).into_iter().next().unwrap_or_else(RoleName::member))
}

impl Accept {
    fn named(&self) -> Named<'_> {
        Named { token: self.token.as_deref(), id: self.id }
    }
}
