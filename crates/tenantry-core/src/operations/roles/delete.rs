use serde_json::json;

use super::{holders, meant_one, position};
use crate::{
    access::{permission::Permission, roles::Roles},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{RolesRow, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        role::RoleName,
    },
    wire::{Done, input},
};

input! {
    /// Deletes a role of the organization's own.
    ///
    /// One that members, invitations without an answer or join codes bear (expired ones too, until they are revoked)
    /// needs a replacement, which all of them have from then on. Until none is left, the name cannot be given anew.
    pub struct Delete {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// Which role.
        pub role: RoleName,
        /// The role that takes its place; not `owner`. The caller must hold all that it permits.
        pub replacement: Option<RoleName>,
    }
}

impl Operation for Delete {
    type Output = Done;

    const ROUTE: &'static str = "roles/delete";
    const SUMMARY: &'static str = "Delete a role of the organization's own";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::GrantExceedsOwn, ErrorKind::RoleInUse];
    const EVENT: Option<&'static str> = Some("roles.delete");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let roles = tx.roles().await?;
        let place = position(&roles, &self.role)?;
        tx.authority.may_grant_permissions(tx.registry(), &roles.permissions(&roles.row().own[place]))?;
        let row = match &self.replacement {
            Some(replacement) => {
                let replacement = self.require_replacement(tx, &roles, replacement)?;
                self.replaced(&roles, &replacement)
            }
            None => self.unborne(tx, &roles).await?,
        };
        tx.put(&keys::roles(), &row)?;
        let details = json!({ "replacement": self.replacement });
        tx.changed(Change::Organization(self.organization_id), Some(self.role.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}

impl Delete {
    /// The replacement, by its name in rows.
    fn require_replacement(
        &self,
        tx: &Transaction<'_>,
        roles: &Roles,
        replacement: &RoleName,
    ) -> Result<RoleName, Error> {
        if *replacement == self.role || replacement.is_owner() {
            // Owners are made one at a time, since the organization's row lists them.
            let detail = format!("{replacement} cannot take the place of {}: name another role", self.role);
            return Err(Error::invalid_field("replacement", "invalid", detail));
        }
        let replacement = meant_one(roles, "replacement", replacement)?;
        tx.authority.may_grant(roles, std::slice::from_ref(&replacement))?;
        Ok(replacement)
    }

    /// The row in which the role has its replacement, and so have the roles that it had replaced itself.
    fn replaced(&self, roles: &Roles, replacement: &RoleName) -> RolesRow {
        let mut row = roles.row().clone();
        for own in &mut row.own {
            if own.name == self.role || own.replaced_by.as_ref() == Some(&self.role) {
                own.replaced_by = Some(replacement.clone());
            }
        }
        row
    }

    /// The row without the role and the roles that it had replaced; refuses if somebody still bears one of their names.
    async fn unborne(&self, tx: &mut Transaction<'_>, roles: &Roles) -> Result<RolesRow, Error> {
        let mut row = roles.row().clone();
        let (gone, kept) = row
            .own
            .into_iter()
            .partition::<Vec<_>, _>(|own| own.name == self.role || own.replaced_by.as_ref() == Some(&self.role));
        let borne: i64 = holders(tx, &gone).await?.into_iter().sum();
        if borne != 0 {
            let detail = format!(
                "{borne} members, invitations and join codes have the role {}: take it from them, or name a replacement",
                self.role
            );
            return Err(Error::new(ErrorKind::RoleInUse, detail));
        }
        row.own = kept;
        Ok(row)
    }
}
