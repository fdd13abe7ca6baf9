use serde_json::Value;

use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{issued::Issued, roles},
    rows::{JoinCodeRow, keys},
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::{JoinCodeId, OrganizationId},
    },
    wire::{Done, input},
};

input! {
    /// Withdraws a join code. One that was withdrawn already stays so.
    pub struct Revoke {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which join code.
        pub id: JoinCodeId,
    }
}

impl Operation for Revoke {
    type Output = Done;

    const ROUTE: &'static str = "join-codes/revoke";
    const SUMMARY: &'static str = "Withdraw a join code";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("join-codes.revoke");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::join_code(self.id).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let key = keys::join_code(self.id);
        let row = tx.get(&key).await?.ok_or_else(|| Error::not_found("join code"))?;
        if withdraw(tx, self.id, row).await? {
            tx.record(Some(self.id.to_string()), &Value::Null)?;
        }
        Ok(Done { ok: true })
    }
}

/// Withdraws a join code, if the caller may. Answers whether it was not withdrawn before.
pub(crate) async fn withdraw(tx: &mut Transaction<'_>, id: JoinCodeId, mut row: JoinCodeRow) -> Result<bool, Error> {
    if row.role.is_owner() && !tx.authority.owner {
        return Err(Error::new(ErrorKind::Forbidden, "only an owner can withdraw an owner's join code"));
    }
    if row.revoked_at.is_some() {
        return Ok(false);
    }
    row.revoked_at = Some(tx.now);
    roles::count_holders(tx, std::slice::from_ref(&row.role), &[]).await?;
    Issued::JoinCode(id).end(tx, &row.created_by);
    tx.put(&keys::join_code(id), &row)?;
    Ok(true)
}
