use serde_json::json;

use super::{
    addressed::{Named, require_open},
    close::{Ended, close},
};
use crate::{
    access::{caller::Identity, roles::Roles},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::members::join,
    rows::{InvitationRow, InvitationState, OrganizationRow, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        role::RoleName,
        validate::Violations,
    },
    wire::{input, output},
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
        /// Whether they were a member before: then they keep the roles that they have.
        pub already_member: bool,
        /// Roles that the invitation or the join code was for, or an invitation that ended by it, and that would permit
        /// the caller more than they have: they were not given.
        pub not_granted: Vec<RoleName>,
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
            join::restore(tx, &user.id, &member);
            let known = tx.roles().await?;
            if row.state != InvitationState::Open {
                return Ok(Joined::already(organization_id, &known, member.roles, &[]));
            }
            // Left open, it would let them come back after they were removed.
            let joined = Joined::already(organization_id, &known, member.roles, &row.roles);
            let details = json!({ "invitation": id, "alreadyMember": true, "notGranted": joined.not_granted });
            close(tx, id, row, InvitationState::Accepted).await?;
            tx.record(Some(user.id.to_string()), &details)?;
            return Ok(joined);
        }
        take(tx, user, (id, row), organization).await
    }
}

/// Makes the user a member by an open invitation.
pub(super) async fn take(
    tx: &mut Transaction<'_>,
    user: &Identity,
    (id, row): (InvitationId, InvitationRow),
    organization: OrganizationRow,
) -> Result<Joined, Error> {
    require_open(tx.now, &row)?;
    let roles = row.roles.clone();
    close(tx, id, row, InvitationState::Accepted).await?;
    let ended = join::admit(tx, user, roles.clone(), organization).await?;
    let organization_id = tx.organization_id()?;
    let joined = Joined::now(organization_id, &tx.roles().await?, roles.clone(), &ended);
    let details = join::details(json!({ "invitation": id, "roles": roles }), &ended);
    tx.changed(Change::Member(organization_id, user.id.clone()), Some(user.id.to_string()), &details)?;
    Ok(joined)
}

impl Joined {
    /// The answer to a caller who was a member already, with the roles `held`; `offered` are those of the invitation or
    /// code.
    pub(crate) fn already(id: OrganizationId, known: &Roles, held: Vec<RoleName>, offered: &[RoleName]) -> Self {
        let not_granted = known.beyond(&held, offered);
        Self { already_member: true, not_granted, ..Self::now(id, known, held, &[]) }
    }

    /// The answer to a caller who has become a member with these roles; `ended` are other open invitations to them.
    pub(crate) fn now(organization_id: OrganizationId, known: &Roles, roles: Vec<RoleName>, ended: &[Ended]) -> Self {
        let offered: Vec<_> = ended.iter().flat_map(|ended| ended.roles.iter().cloned()).collect();
        let not_granted = known.beyond(&roles, &offered);
        let role = known.ranked(roles).into_iter().next().unwrap_or_else(RoleName::member);
        Self { organization_id, role, already_member: false, not_granted }
    }
}

impl Accept {
    fn named(&self) -> Named<'_> {
        Named { token: self.token.as_deref(), id: self.id }
    }
}
