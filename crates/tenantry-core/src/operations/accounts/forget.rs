use serde_json::json;

use crate::{
    caller::{Caller, Identity},
    change::Change,
    engine::Engine,
    entry,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    limits,
    operation::{Locate, Needs, Operation, Request},
    operations::{Done, input, members::join, output},
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

    /// One commit for each organization, so that a crash in between leaves the rest for the next time.
    async fn forget_as(&self, caller: &Caller, user: &UserId) -> Result<Forgotten, Error> {
        let request = Request::new(caller.clone());
        let mut forgotten = Forgotten { removed_from: 0, more: true };
        let mut after = None;
        for _ in 0..limits::FORGET_PAGES_MAX {
            let limit = limits::LIST_LIMIT_DEFAULT as usize;
            let entries = self.membership_entries(user, after, limit).await?;
            for (organization_id, ..) in entries.iter().filter_map(entry::parse_membership) {
                let there = Withdraw { organization_id, user_id: user.clone() };
                forgotten.removed_from += u64::from(Box::pin(self.carry_out(&request, &there)).await?.ok);
            }
            if entries.len() < limit {
                forgotten.more = false;
                break;
            }
            after = entries.into_iter().last();
        }
        Ok(forgotten)
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
    type Output = Done;

    const ROUTE: &'static str = Forget::ROUTE;
    const SUMMARY: &'static str = Forget::SUMMARY;
    const NEEDS: Needs = Forget::NEEDS;
    const ERRORS: &'static [ErrorKind] = Forget::ERRORS;
    const EVENT: Option<&'static str> = Forget::EVENT;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    /// Whether there was anybody to remove.
    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let key = keys::member(&self.user_id);
        tx.load([keys::organization().key, key.key.clone(), keys::roles().key]).await?;
        // Of an organization that was deleted everybody is removed.
        let (Some(mut row), Some(member)) = (tx.get(&keys::organization()).await?, tx.get(&key).await?) else {
            return Ok(Done { ok: false });
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
        Ok(Done { ok: true })
    }
}
