//! The profile of a member: their addresses, name and picture, as they were last reported.
//!
//! 1. A member's row keeps what their credential said when they joined. Later credentials may say something else: the
//!    difference is written when the member next calls, apart from what they ask for, at most once in
//!    [`limits::PROFILE_GRANULARITY`]. So an address that is no longer theirs becomes free for whoever has it now.
//! 2. Only an e-mail address that is verified counts, and a claim that is present. What is absent stays.
//! 3. A credential that was issued before the last update does not count: the token of an older session undoes nothing.
//! 4. The host can report a change at once, by `accounts/update`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::join;
use crate::{
    access::{
        caller::{Caller, Identity},
        profile_update::{ProfileUpdate, is_due},
    },
    engine::{
        Engine,
        operation::{Locate, Needs, Operation, Request},
        transaction::Transaction,
    },
    operations::{
        accounts,
        invitations::close::{Ended, close_at},
    },
    rows::{AddressRow, InvitationState, MemberRow, RowKey, keys},
    values::{
        address::Address,
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
    },
};

/// Updates a member's profile. No request asks for it directly: a credential reports the change, or
/// [`accounts::Update`] does, which decides who may.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpdateProfile {
    pub(crate) organization_id: OrganizationId,
    pub(crate) user_id: UserId,
    /// `None`: what the caller's own credential says, if an update is due.
    pub(crate) told: Option<ProfileUpdate>,
}

impl crate::wire::sealed::Sealed for UpdateProfile {}

impl Operation for UpdateProfile {
    /// Whether there is such a member.
    type Output = bool;

    const ROUTE: &'static str = accounts::Update::ROUTE;
    const SUMMARY: &'static str = accounts::Update::SUMMARY;
    const NEEDS: Needs = accounts::Update::NEEDS;
    const ERRORS: &'static [ErrorKind] = accounts::Update::ERRORS;
    const EVENT: Option<&'static str> = accounts::Update::EVENT;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<bool, Error> {
        let key = keys::member(&self.user_id);
        tx.load([keys::organization().key, key.key.clone(), keys::roles().key]).await?;
        let (Some(_), Some(before)) = (tx.get(&keys::organization()).await?, tx.get(&key).await?) else {
            return Ok(false);
        };
        let told = match &self.told {
            Some(told) => told.clone(),
            None if is_due(tx.user()?, &before, tx.now) => ProfileUpdate::by(tx.user()?),
            None => return Ok(true),
        };
        let mut member = before.clone();
        let changes = told.apply(&mut member);
        // Written even if nothing differs, so that an older credential does not undo what the host says now.
        member.profile_at = Some(tx.now);
        if changes.is_empty() && self.told.is_none() {
            return Ok(true);
        }
        tx.put(&key, &member)?;
        let ended = move_addresses(tx, &self.user_id, &before, &member).await?;
        if !changes.is_empty() {
            tx.record(Some(self.user_id.to_string()), &join::details(Value::Object(changes), &ended))?;
        }
        Ok(true)
    }
}

/// Frees the addresses that only `before` has, and takes those that only `after` has. Answers the open invitations to
/// the latter, which end by this.
async fn move_addresses(
    tx: &mut Transaction<'_>,
    user: &UserId,
    before: &MemberRow,
    after: &MemberRow,
) -> Result<Vec<Ended>, Error> {
    let [before, after] = [before, after].map(|member| {
        let addresses = [&member.email, &member.username].into_iter().flatten();
        addresses.map(Address::normal).collect::<Vec<_>>()
    });
    let key = |address| -> RowKey<AddressRow> { keys::address(address) };
    let lost: Vec<_> = before.iter().filter(|address| !after.contains(address)).map(key).collect();
    let gained: Vec<_> = after.iter().filter(|address| !before.contains(address)).map(key).collect();
    tx.load(lost.iter().chain(&gained).map(|key| key.key.clone())).await?;
    for key in &lost {
        let Some(mut known) = tx.get(key).await? else { continue };
        known.members.retain(|member| member != user);
        if known == AddressRow::default() { tx.delete(key) } else { tx.put(key, &known)? }
    }
    let ended = close_at(tx, &gained, InvitationState::Superseded).await?;
    for key in &gained {
        let mut known = tx.get(key).await?.unwrap_or_default();
        known.members.push(user.clone());
        tx.put(key, &known)?;
    }
    Ok(ended)
}

impl Engine {
    /// Writes what a member's credential says about them and their organization does not know yet, if an update is due.
    /// The layer calls this in the background when
    /// [`TenantAccess::profile_is_due`](crate::access::tenant_access::TenantAccess::profile_is_due) says so. Nothing waits for it, and
    /// nothing depends on it.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn refresh_profile(&self, identity: &Identity, organization: OrganizationId) -> Result<(), Error> {
        let told = UpdateProfile { organization_id: organization, user_id: identity.id.clone(), told: None };
        let request = Request::new(Caller::User(Box::new(identity.clone())));
        self.carry_out(&request, &told).await.map(|_| ())
    }
}
