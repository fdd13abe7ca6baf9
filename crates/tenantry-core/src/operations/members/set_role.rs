use serde_json::json;

use super::assign::assign;
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::roles,
    rows::keys,
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
    wire::{Done, input},
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

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::member(&self.user_id).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let known = tx.roles().await?;
        let role = roles::meant_one(&known, "role", &self.role)?;
        let key = keys::member(&self.user_id);
        let mut member = tx.get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        let before = member.roles.clone();
        if !assign(tx, &known, &self.user_id, &mut member, vec![role]).await? {
            return Ok(Done { ok: true });
        }
        let details = json!({ "from": before, "to": member.roles });
        tx.put(&key, &member)?;
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
