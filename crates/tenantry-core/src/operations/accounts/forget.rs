use serde_json::json;

use super::everywhere;
use crate::{
    caller::{Caller, Identity},
    change::Change,
    engine::Engine,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    operation::{Locate, Needs, Operation},
    operations::{input, members::join, output},
    role::RoleName,
    rows::keys,
    transaction::Transaction,
};

input! {
    /// Removes a user from all organizations, for a host that deletes their account: also where they are the last
    /// owner. Such an organization is looked after by platform admins until it has an owner again.
    ///
    /// Delete the account first, so that the user cannot come back meanwhile. What they made (invitations, join codes,
    /// API tokens) stays the organization's, and what they did stays in the audit logs, under their user id.
    pub struct Forget {
        /// Whom.
        pub user_id: UserId,
    }
}

output! {
    /// How far it has come.
    pub struct Forgotten {
        /// From how many organizations the user was removed by this request.
        pub removed_from: u64,
        /// Whether there may be more: then the request is to be repeated.
        pub more: bool,
    }
}

impl Operation for Forget {
    type Output = Forgotten;

    const ROUTE: &'static str = "accounts/forget";
    const SUMMARY: &'static str = "Remove a user from all organizations, also where they are the last owner";
    const NEEDS: Needs = Needs::Platform;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("accounts.forget");

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Forgotten, Error> {
        tx.engine.forget_as(tx.caller, &self.user_id).await
    }
}

impl Engine {
    /// Removes a user from all organizations: what [`Forget`] does, for the host itself. The audit logs name the user as
    /// who did it. While the answer says that there is more, it is to be called again.
    ///
    /// # Errors
    /// `unavailable`: what was done stays done; call it again.
    pub async fn forget(&self, user: &UserId) -> Result<Forgotten, Error> {
        self.forget_as(&Caller::User(Box::new(Identity::new(user.clone()))), user).await
    }

    async fn forget_as(&self, caller: &Caller, user: &UserId) -> Result<Forgotten, Error> {
        let there = |organization_id| Withdraw { organization_id, user_id: user.clone() };
        let (removed_from, more) = everywhere(self, caller, user, there).await?;
        Ok(Forgotten { removed_from, more })
    }
}

input! {
    /// Removes a user from one organization. No request can ask for it by itself: who may is decided by [`Forget`].
    struct Withdraw {
        organization_id: OrganizationId,
        user_id: UserId,
    }
}

impl Operation for Withdraw {
    /// Whether there was anybody to remove.
    type Output = bool;

    const ROUTE: &'static str = Forget::ROUTE;
    const SUMMARY: &'static str = Forget::SUMMARY;
    const NEEDS: Needs = Forget::NEEDS;
    const ERRORS: &'static [ErrorKind] = Forget::ERRORS;
    const EVENT: Option<&'static str> = Forget::EVENT;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<bool, Error> {
        let key = keys::member(&self.user_id);
        tx.load([keys::organization().key, key.key.clone(), keys::roles().key]).await?;
        // Of an organization that was deleted everybody is removed.
        let (Some(mut row), Some(member)) = (tx.get(&keys::organization()).await?, tx.get(&key).await?) else {
            return Ok(false);
        };
        let owned = member.roles.iter().any(RoleName::is_owner);
        if owned {
            row.owners.retain(|owner| *owner != self.user_id);
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        let details = json!({ "roles": member.roles, "ownerless": owned && row.owners.is_empty() });
        let ended = join::remove_member(tx, &self.user_id, member).await?;
        let details = join::details(details, &ended);
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(true)
    }
}
