use serde::{Deserialize, Serialize};
use serde_json::json;

use super::everywhere;
use crate::{
    access::caller::{Caller, Identity},
    engine::{
        Engine, entry,
        operation::{Locate, Needs, Operation, Request},
        transaction::Transaction,
    },
    operations::{invitations::close::close_at, members::join},
    rows::{InvitationState, keys, shards},
    store::{Direction, change::Change},
    values::{
        address::{Address, InvalidAddress},
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::{input, output},
};

input! {
    /// Removes a user from all organizations, for a host that deletes their account: also where they are the last
    /// owner. Such an organization is looked after by platform admins until it has an owner again.
    ///
    /// Delete the account first, so that the user cannot come back meanwhile. What they made (invitations, join codes,
    /// API tokens) stays the organization's, and what they did stays in the audit logs, under their user id.
    ///
    /// Nothing that is open for their addresses where they are a member lets anybody back in. Name the username, if they
    /// had one: then whatever else is open for it ends as well, and is not for whoever bears it next.
    pub struct Forget {
        /// Whom: the whole id, as their credentials tell it.
        pub user_id: UserId,
        /// The username that they had.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
        pub username: Option<String>,
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
    const FREES: bool = true;

    fn check(&self, problems: &mut Violations) {
        if let Err(error) = self.address() {
            problems.add("username", "invalid", error.to_string());
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Forgotten, Error> {
        tx.engine.forget_as(tx.caller, self).await
    }
}

impl Forget {
    fn address(&self) -> Result<Option<Address>, InvalidAddress> {
        self.username.as_deref().map(Address::username).transpose()
    }
}

impl Engine {
    /// Removes a user from all organizations, as [`Forget`] does, but for the host itself. The audit logs name the user
    /// as the actor. Call it again as long as the answer says that there is more.
    ///
    /// # Errors
    /// `invalid_request`, naming the field; `unavailable`: what was done stays done, call it again.
    pub async fn forget(&self, forget: &Forget) -> Result<Forgotten, Error> {
        let mut problems = Violations::new(self.clock().now());
        forget.check(&mut problems);
        problems.into_result()?;
        self.forget_as(&Caller::User(Box::new(Identity::new(forget.user_id.clone()))), forget).await
    }

    async fn forget_as(&self, caller: &Caller, forget: &Forget) -> Result<Forgotten, Error> {
        let user_id = &forget.user_id;
        let username =
            forget.address().map_err(|error| Error::invalid_field("username", "invalid", error.to_string()))?;
        let there =
            |organization_id| Withdraw { organization_id, user_id: user_id.clone(), username: username.clone() };
        let (removed_from, mut more) = everywhere(self, caller, user_id, there).await?;
        if let Some(username) = &username {
            more |= self.uninvite(caller, username, there).await?;
        }
        Ok(Forgotten { removed_from, more })
    }

    /// Ends the open invitations to the username, in all organizations. Answers whether there may be more.
    async fn uninvite(
        &self,
        caller: &Caller,
        username: &Address,
        there: impl Fn(OrganizationId) -> Withdraw + Send + Sync,
    ) -> Result<bool, Error> {
        let (request, address) = (Request::new(caller.clone()), username.normal());
        let shard = shards::address(&address);
        let limit = limits::LIST_LIMIT_DEFAULT as usize;
        let mut after = None;
        for _ in 0..limits::ACCOUNT_PAGES_MAX {
            let range = entry::invitations(&address, after, Direction::Ascending, limit);
            let entries = self.store().sorted_range(&shard, &range).await?;
            for (organization, ..) in entries.iter().filter_map(entry::parse_invited) {
                Box::pin(self.carry_out(&request, &there(organization))).await?;
            }
            if entries.len() < limit {
                return Ok(false);
            }
            after = entries.into_iter().last();
        }
        Ok(true)
    }
}

/// Removes a user from one organization, and ends the open invitation to their username there. No request asks for it
/// directly: [`Forget`] decides who may.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Withdraw {
    organization_id: OrganizationId,
    user_id: UserId,
    username: Option<Address>,
}

impl crate::wire::sealed::Sealed for Withdraw {}

impl Operation for Withdraw {
    /// Whether there was a member to remove.
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
        // A deleted organization has no members any more.
        let Some(mut row) = tx.get(&keys::organization()).await? else { return Ok(false) };
        let username: Vec<_> = self.username.iter().map(|username| keys::address(&username.normal())).collect();
        let Some(member) = tx.get(&key).await? else {
            let ended = close_at(tx, &username, InvitationState::Revoked).await?;
            if !ended.is_empty() {
                tx.record(Some(self.user_id.to_string()), &join::details(json!({}), &ended))?;
            }
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
        let mut ended = join::remove_member(tx, &self.user_id, member).await?;
        ended.extend(close_at(tx, &username, InvitationState::Revoked).await?);
        let details = join::details(details, &ended);
        let change = Change::Member(self.organization_id, self.user_id.clone());
        tx.changed(change, Some(self.user_id.to_string()), &details)?;
        Ok(true)
    }
}
