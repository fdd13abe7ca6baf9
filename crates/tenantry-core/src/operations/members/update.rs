use serde_json::json;

use super::{
    Found,
    assign::{assign, assign_workspaces},
    get,
};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::roles,
    rows::{MemberRow, keys},
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId, WorkspaceId},
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Changes a member. What is given replaces what was there; what is absent or `null` stays.
    pub struct Update {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
        /// All of their roles, 1 to 16.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 16))]
        pub roles: Option<Vec<RoleName>>,
        /// All of the workspaces that they are assigned to, at most 100. Those of an owner only an owner changes.
        #[cfg_attr(feature = "openapi", schema(max_items = 100))]
        pub workspaces: Option<Vec<WorkspaceId>>,
    }
}

impl Operation for Update {
    type Output = Found;

    const ROUTE: &'static str = "members/update";
    const SUMMARY: &'static str = "Change a member";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::LastOwner, ErrorKind::GrantExceedsOwn, ErrorKind::OwnedLimit];
    const EVENT: Option<&'static str> = Some("members.update");

    fn check(&self, problems: &mut Violations) {
        problems.roles(None, self.roles.as_deref());
        if self.workspaces.as_ref().is_some_and(|asked| asked.len() > limits::WORKSPACES_PER_MEMBER_MAX) {
            let detail = format!("name at most {} workspaces", limits::WORKSPACES_PER_MEMBER_MAX);
            problems.add("workspaces", "too_many", detail);
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::member(&self.user_id).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let known = tx.roles().await?;
        let asked = self.roles.as_deref().map(|asked| roles::meant(&known, "roles", asked)).transpose()?;
        let key = keys::member(&self.user_id);
        let mut member = tx.get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        let before = member.clone();
        if let Some(asked) = asked {
            assign(tx, &known, &self.user_id, &mut member, asked).await?;
        }
        if let Some(asked) = &self.workspaces {
            assign_workspaces(tx, &mut member, asked).await?;
        }
        if member != before {
            let shown = |row: &MemberRow| json!({ "roles": row.roles, "workspaces": row.workspaces });
            let details = json!({ "from": shown(&before), "to": shown(&member) });
            tx.put(&key, &member)?;
            let change = Change::Member(self.organization_id, self.user_id.clone());
            tx.changed(change, Some(self.user_id.to_string()), &details)?;
        }
        get::show(tx, &self.user_id, member).await
    }
}
