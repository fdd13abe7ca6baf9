//! The roles that there are, and what each may do.

use std::collections::BTreeMap;

use crate::{
    error::{Error, ErrorKind},
    ids::OrganizationId,
    operation::{Locate, Needs, Operation},
    operations::{input, output},
    permission::Permission,
    role::RoleName,
    transaction::Transaction,
};

input! {
    /// Shows the roles and their permissions.
    pub struct Roles {
        /// The organization whose own roles are to be included; the caller must be allowed to see it.
        pub organization_id: Option<OrganizationId>,
    }
}

output! {
    /// Which role permits what.
    pub struct OrgRoleMatrix {
        /// The roles, from the highest to the lowest.
        pub roles: Vec<RoleName>,
        /// All permissions.
        pub permissions: Vec<String>,
        /// The permissions of each role.
        pub matrix: BTreeMap<RoleName, Vec<String>>,
    }
}

impl Operation for Roles {
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
        if self.organization_id.is_some() {
            tx.authorize(Permission::ORG_VIEW).await?;
        }
        Ok(OrgRoleMatrix {
            roles: registry.roles().map(|(role, _)| role.clone()).collect(),
            permissions: registry.permissions().to_vec(),
            matrix: registry.roles().map(|(role, set)| (role.clone(), registry.names(set))).collect(),
        })
    }
}

/// Every one of `roles` exists.
pub(crate) fn require_known(tx: &Transaction<'_>, roles: &[RoleName]) -> Result<(), Error> {
    let Some(unknown) = roles.iter().find(|role| tx.registry().role(role.as_str()).is_none()) else { return Ok(()) };
    let known: Vec<_> = tx.registry().roles().map(|(role, _)| role.as_str()).collect();
    Err(Error::invalid_field(
        "role",
        "unknown",
        format!("there is no role {unknown}: name one of {}", known.join(", ")),
    ))
}
