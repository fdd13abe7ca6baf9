use serde_json::json;

use crate::{
    change::Change,
    error::{Error, ErrorKind},
    ids::OrganizationId,
    operation::{Locate, Needs, Operation},
    operations::{Done, input, members::join},
    role::RoleName,
    rows::keys,
    transaction::Transaction,
};

input! {
    /// Leaves an organization.
    pub struct Leave {
        /// Which organization.
        pub organization_id: OrganizationId,
    }
}

impl Operation for Leave {
    type Output = Done;

    const ROUTE: &'static str = "leave";
    const SUMMARY: &'static str = "Leave an organization";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::OrganizationSuspended, ErrorKind::NotFound, ErrorKind::LastOwner];
    const EVENT: Option<&'static str> = Some("organization.leave");

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        tx.identify().await?;
        let user = &tx.user()?.id;
        let mut member = tx.get(&keys::member(user)).await?.ok_or_else(|| Error::not_found("organization"))?;
        if member.roles.iter().any(RoleName::is_owner) {
            let mut row = tx.organization().await?;
            join::remove_owner(tx, &mut row, user, &mut member)?;
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        let details = json!({ "roles": member.roles });
        join::remove_member(tx, user, member).await?;
        tx.changed(Change::Member(self.organization_id, user.clone()), Some(user.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
