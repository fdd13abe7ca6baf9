use serde_json::json;

use super::join;
use crate::{
    change::Change,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    operation::{Locate, Needs, Operation},
    operations::{Done, input, roles},
    permission::Permission,
    role::RoleName,
    rows::keys,
    transaction::Transaction,
};

input! {
    /// Gives a member one role, in place of those that they have.
    pub struct SetRole {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
        /// The role.
        pub role: RoleName,
    }
}

impl Operation for SetRole {
    type Output = Done;

    const ROUTE: &'static str = "members/set-role";
    const SUMMARY: &'static str = "Give a member one role, in place of those that they have";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::LastOwner, ErrorKind::GrantExceedsOwn, ErrorKind::OwnedLimit];
    const EVENT: Option<&'static str> = Some("members.set-role");

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let known = tx.roles().await?;
        roles::require_known(&known, std::slice::from_ref(&self.role))?;
        let key = keys::member(&self.user_id);
        let mut member = tx.get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        let was_owner = member.roles.iter().any(RoleName::is_owner);
        if was_owner && !tx.authority.owner {
            return Err(Error::new(ErrorKind::Forbidden, "only an owner can change the role of an owner"));
        }
        tx.authority.may_grant(&known, std::slice::from_ref(&self.role))?;
        if member.roles == [self.role.clone()] {
            return Ok(Done { ok: true });
        }
        if was_owner != self.role.is_owner() {
            let mut row = tx.organization().await?;
            if was_owner {
                join::remove_owner(tx, &mut row, &self.user_id, &mut member)?;
            } else {
                join::add_owner(tx, &mut row, &self.user_id, &mut member)?;
            }
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        let details = json!({ "from": member.roles, "to": [&self.role] });
        roles::count_holders(tx, &member.roles, std::slice::from_ref(&self.role)).await?;
        member.roles = vec![self.role.clone()];
        tx.put(&key, &member)?;
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
