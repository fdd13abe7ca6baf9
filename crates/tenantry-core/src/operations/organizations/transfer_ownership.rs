use serde_json::json;

use crate::{
    access::{authority, caller::Caller},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{members::join, roles::count_holders},
    rows::keys,
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
    wire::{Done, input},
};

input! {
    /// Makes a member an owner in the caller's place, who stays as `admin`.
    pub struct TransferOwnership {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// To whom. If they are an owner already, the caller merely steps down.
        pub user_id: UserId,
    }
}

impl Operation for TransferOwnership {
    type Output = Done;

    const ROUTE: &'static str = "transfer-ownership";
    const SUMMARY: &'static str = "Make a member an owner in the caller's place";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] =
        &[ErrorKind::OrganizationSuspended, ErrorKind::NotFound, ErrorKind::OwnedLimit];
    const EVENT: Option<&'static str> = Some("organization.transfer-ownership");

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, caller: &Caller) -> Vec<Key> {
        authority::keys(caller).into_iter().chain([keys::member(&self.user_id).key]).collect()
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        tx.identify().await?;
        if !tx.authority.owner {
            return Err(Error::new(ErrorKind::Forbidden, "only an owner can transfer the ownership"));
        }
        let caller = &tx.user()?.id;
        let (caller_key, key) = (keys::member(caller), keys::member(&self.user_id));
        let mut member = tx.get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        if *caller == self.user_id && member.roles.iter().any(RoleName::is_owner) {
            return Ok(Done { ok: true });
        }
        // The new owner takes the caller's place in the list: if the caller was the first owner, their choice is the
        // first now.
        let mut row = tx.organization().await?;
        row.owners.retain(|owner| *owner != self.user_id);
        match row.owners.iter_mut().find(|owner| *owner == caller) {
            Some(owner) => owner.clone_from(&self.user_id),
            // The caller is a platform admin, who acts as the owner of an organization without one.
            None => row.owners.push(self.user_id.clone()),
        }
        row.version += 1;
        row.updated_at = tx.now;
        tx.put(&keys::organization(), &row)?;
        let former = tx.get(&caller_key).await?;
        if let Some(mut former) = former.filter(|former| former.roles.iter().any(RoleName::is_owner)) {
            count_holders(tx, &former.roles, &[]).await?;
            former.roles = vec![RoleName::admin()];
            join::disown(tx, caller, &mut former);
            tx.put(&caller_key, &former)?;
            tx.notify(Change::Member(self.organization_id, caller.clone()));
        }
        let details = json!({ "roles": member.roles });
        count_holders(tx, &member.roles, &[]).await?;
        member.roles = vec![RoleName::owner()];
        join::own(tx, &self.user_id, &mut member);
        tx.put(&key, &member)?;
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
