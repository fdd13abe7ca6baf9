use serde_json::json;

use super::{Found, assign::assign, get};
use crate::{
    change::Change,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    operation::{Locate, Needs, Operation},
    operations::{input, roles},
    permission::Permission,
    role::RoleName,
    rows::keys,
    transaction::Transaction,
    validate::Violations,
};

input! {
    /// Changes a member. What is given replaces what was there; what is absent stays.
    pub struct Update {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
        /// All of their roles, 1 to 16.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 16))]
        pub roles: Option<Vec<RoleName>>,
    }
}

impl Operation for Update {
    type Output = Found;

    const ROUTE: &'static str = "members/update";
    const SUMMARY: &'static str = "Change a member";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::LastOwner, ErrorKind::GrantExceedsOwn];
    const EVENT: Option<&'static str> = Some("members.update");

    fn check(&self, problems: &mut Violations) {
        problems.roles(None, self.roles.as_deref());
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let known = tx.roles().await?;
        if let Some(asked) = &self.roles {
            roles::require_known(&known, "roles", asked)?;
        }
        let key = keys::member(&self.user_id);
        let mut member = tx.get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        let before = member.clone();
        if let Some(asked) = &self.roles {
            assign(tx, &known, &self.user_id, &mut member, asked.clone()).await?;
        }
        if member != before {
            let details = json!({ "from": { "roles": before.roles }, "to": { "roles": member.roles } });
            tx.put(&key, &member)?;
            let change = Change::Member(self.organization_id, self.user_id.clone());
            tx.changed(change, Some(self.user_id.to_string()), &details)?;
        }
        get::show(tx, &self.user_id, member).await
    }
}
