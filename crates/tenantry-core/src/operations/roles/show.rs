use std::collections::BTreeMap;

use crate::{
    access::{permission::Permission, roles::Roles},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::roles::OrgOwnRole,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        role::RoleName,
    },
    wire::{input, output},
};

input! {
    /// Shows the roles and their permissions.
    pub struct Show {
        /// The organization whose own roles are to be included; the caller must be allowed to see it.
        pub organization_id: Option<OrganizationId>,
    }
}

output! {
    /// Which role permits what.
    pub struct OrgRoleMatrix {
        /// The roles, from the highest to the lowest. One of the host's whose name the organization has given to a role of
        /// its own is called `host.<name>` here; everywhere, that name means the host's.
        pub roles: Vec<RoleName>,
        /// All permissions.
        pub permissions: Vec<String>,
        /// The permissions of each role.
        pub matrix: BTreeMap<RoleName, Vec<String>>,
        /// The organization's own among the roles, from the highest to the lowest.
        pub own: Vec<OrgOwnRole>,
    }
}

impl Operation for Show {
    type Output = OrgRoleMatrix;

    const ROUTE: &'static str = "roles";
    const SUMMARY: &'static str = "Show the roles and what each may do";
    const NEEDS: Needs = Needs::Credential;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(self.organization_id)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<OrgRoleMatrix, Error> {
        let registry = tx.registry();
        let roles = if self.organization_id.is_some() {
            tx.authorize(Permission::ORG_VIEW).await?;
            tx.roles().await?
        } else {
            Roles::of_registry(registry)
        };
        let all = roles.matrix();
        Ok(OrgRoleMatrix {
            roles: all.iter().map(|(role, _)| role.clone()).collect(),
            permissions: registry.permissions().to_vec(),
            matrix: all.into_iter().map(|(role, set)| (role, registry.names(&set))).collect(),
            own: roles.own().map(|own| OrgOwnRole::new(own, &roles)).collect(),
        })
    }
}
