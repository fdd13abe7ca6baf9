use serde_json::json;

use super::join;
use crate::{
    change::Change,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    operation::{Locate, Needs, Operation},
    operations::{Done, input},
    permission::Permission,
    role::RoleName,
    rows::keys,
    transaction::Transaction,
};

input! {
    /// Removes a member. Whoever is no member is removed already.
    pub struct Remove {
        /// From which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
    }
}

impl Operation for Remove {
    type Output = Done;

    const ROUTE: &'static str = "members/remove";
    const SUMMARY: &'static str = "Remove a member";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::LastOwner];
    const EVENT: Option<&'static str> = Some("members.remove");

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let Some(mut member) = tx.get(&keys::member(&self.user_id)).await? else { return Ok(Done { ok: true }) };
        if member.roles.iter().any(RoleName::is_owner) {
            if !tx.authority.owner {
                return Err(Error::new(ErrorKind::Forbidden, "only an owner can remove an owner"));
            }
            let mut row = tx.organization().await?;
            join::remove_owner(tx, &mut row, &self.user_id, &mut member)?;
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        let details = json!({ "roles": member.roles });
        join::remove_member(tx, &self.user_id, member).await?;
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
