use serde_json::json;

use super::{Defined, OrgOwnRole, position, require_permissions};
use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::keys,
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Changes a role of the organization's own, for everyone who has it. What is absent or `null` stays.
    ///
    /// Invitations and join codes name a role: they give what it permits when they are used.
    pub struct Update {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Which role.
        pub role: RoleName,
        /// What it permits from now on; the caller must hold all of it, and all that it permitted before.
        #[cfg_attr(feature = "openapi", schema(max_items = 256))]
        pub permissions: Option<Vec<String>>,
        /// What it is for, at most 500 characters; an empty text clears it.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub description: Option<String>,
    }
}

impl Operation for Update {
    type Output = Defined;

    const ROUTE: &'static str = "roles/update";
    const SUMMARY: &'static str = "Change a role of the organization's own";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::GrantExceedsOwn];
    const EVENT: Option<&'static str> = Some("roles.update");

    fn check(&self, problems: &mut Violations) {
        problems.permissions(self.permissions.as_deref());
        problems.text("description", self.description.as_deref(), limits::DESCRIPTION_CHARS_MAX);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Defined, Error> {
        let asked = self.permissions.as_deref().map(|asked| require_permissions(tx.registry(), asked)).transpose()?;
        let roles = tx.roles().await?;
        let place = position(&roles, &self.role)?;
        let mut row = roles.row().clone();
        let own = &mut row.own[place];
        let before = own.clone();
        tx.authority.may_grant_permissions(tx.registry(), &roles.permissions(own))?;
        if let Some(asked) = asked {
            tx.authority.may_grant_permissions(tx.registry(), &asked)?;
            own.permissions = tx.registry().names(&asked);
        }
        if let Some(description) = &self.description {
            own.description.clone_from(description);
        }
        let role = OrgOwnRole::new(own, &roles);
        if *own != before {
            let details = json!({ "from": before.permissions, "to": own.permissions });
            tx.put(&keys::roles(), &row)?;
            tx.changed(Change::Organization(self.organization_id), Some(self.role.to_string()), &details)?;
        }
        Ok(Defined { role })
    }
}
