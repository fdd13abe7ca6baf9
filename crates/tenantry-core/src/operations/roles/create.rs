use serde_json::json;

use super::{OrgOwnRole, holders, require_permissions};
use crate::{
    access::{permission::Permission, roles::Roles},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{OwnRoleRow, RolesRow, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::{input, output},
};

input! {
    /// Defines a role of the organization's own. It ranks below those that were defined before, and above `member`.
    pub struct Create {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Its name; not one of a role that there is already, and without `host.`, which names the host's.
        pub role: RoleName,
        /// What it permits; the caller must hold all of it.
        #[cfg_attr(feature = "openapi", schema(max_items = 256))]
        pub permissions: Vec<String>,
        /// What it is for, at most 500 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub description: Option<String>,
    }
}

output! {
    /// A role as it is now.
    pub struct Defined {
        /// The role.
        pub role: OrgOwnRole,
    }
}

impl Operation for Create {
    type Output = Defined;

    const ROUTE: &'static str = "roles/create";
    const SUMMARY: &'static str = "Define a role of the organization's own";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] =
        &[ErrorKind::GrantExceedsOwn, ErrorKind::RoleTaken, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("roles.create");

    fn check(&self, problems: &mut Violations) {
        if let Some(plain) = self.role.plain_of_host() {
            problems.add(
                "role",
                "invalid",
                format!("a name with host. is the host's: write {plain}, or choose another"),
            );
        }
        problems.permissions(Some(&self.permissions));
        problems.text("description", self.description.as_deref(), limits::DESCRIPTION_CHARS_MAX);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Defined, Error> {
        let permissions = require_permissions(tx.registry(), &self.permissions)?;
        tx.authority.may_grant_permissions(tx.registry(), &permissions)?;
        let roles = tx.roles().await?;
        let mut row = self.with_room(tx, &roles).await?;
        row.numbers_given += 1;
        let own = OwnRoleRow {
            number: row.numbers_given,
            name: self.role.clone(),
            permissions: tx.registry().names(&permissions),
            description: self.description.clone().unwrap_or_default(),
            replaced_by: None,
            created_at: tx.now,
        };
        let role = OrgOwnRole::new(&own, &roles);
        row.own.push(own);
        tx.put(&keys::roles(), &row)?;
        // Nobody has the new role yet, but a role of the host may be shown by another name from now on.
        let change = Change::Organization(self.organization_id);
        tx.changed(change, Some(self.role.to_string()), &json!({ "permissions": role.permissions }))?;
        Ok(Defined { role })
    }
}

impl Create {
    /// The row of the organization's own roles, if a role of this name may be added. Deleted roles whose names nobody
    /// bears any more are dropped from it.
    async fn with_room(&self, tx: &mut Transaction<'_>, roles: &Roles) -> Result<RolesRow, Error> {
        let mut row = roles.row().clone();
        let (deleted, mut kept): (Vec<_>, Vec<_>) = row.own.into_iter().partition(|own| own.replaced_by.is_some());
        let borne = holders(tx, &deleted).await?;
        kept.extend(deleted.into_iter().zip(borne).filter_map(|(own, borne)| (borne > 0).then_some(own)));
        kept.sort_by_key(|own| own.number);
        if tx.registry().role(self.role.as_str()).is_some() || kept.iter().any(|own| own.name == self.role) {
            let detail = format!("there is a role {}, or somebody still bears the name: choose another", self.role);
            return Err(Error::new(ErrorKind::RoleTaken, detail));
        }
        if kept.len() >= limits::OWN_ROLES_MAX {
            let detail = format!("an organization has at most {} roles of its own", limits::OWN_ROLES_MAX);
            return Err(Error::invalid_field("role", "too_many", detail));
        }
        row.own = kept;
        Ok(row)
    }
}
