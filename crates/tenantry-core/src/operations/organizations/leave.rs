use serde_json::json;

use crate::{
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{invitations::close::close_at, members::join},
    rows::{InvitationState, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        role::RoleName,
    },
    wire::{Done, input},
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
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        tx.identify().await?;
        let user = tx.user()?;
        let mut member = tx.get(&keys::member(&user.id)).await?.ok_or_else(|| Error::not_found("organization"))?;
        if member.roles.iter().any(RoleName::is_owner) {
            let mut row = tx.organization().await?;
            join::remove_owner(tx, &mut row, &user.id, &mut member)?;
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        let details = json!({ "roles": member.roles });
        let mut ended = join::remove_member(tx, &user.id, member).await?;
        // Their credential may carry addresses that the member's row does not know yet. Invitations to these end, too.
        let addresses: Vec<_> = join::address_keys(user).collect();
        ended.extend(close_at(tx, &addresses, InvitationState::Revoked).await?);
        let details = join::details(details, &ended);
        tx.changed(Change::Member(self.organization_id, user.id.clone()), Some(user.id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
