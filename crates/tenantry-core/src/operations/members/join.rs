//! How a user becomes a member: the same code for creating an organization, accepting an invitation and joining by a
//! code.

use serde_json::{Value, json};

use crate::{
    access::caller::{Caller, Identity},
    engine::{entry::IndexEntry, transaction::Transaction},
    operations::{
        invitations::close::{Ended, close_at},
        roles::count_holders,
    },
    rows::{AddressRow, InvitationState, MemberRow, OrganizationRow, RowKey, Work, index, keys},
    store::{Add, Key},
    values::{
        error::{Error, ErrorKind},
        ids::UserId,
        limits,
        role::RoleName,
    },
};

/// The keys of the rows of a user's addresses. An operation that may make them a member reads these rows together with
/// those that decide it.
pub(crate) fn address_keys(user: &Identity) -> impl Iterator<Item = RowKey<AddressRow>> {
    user.addresses().map(|address| keys::address(&address.normal()))
}

/// As [`address_keys`], for any caller; an API token has no address.
pub(crate) fn address_keys_of(caller: &Caller) -> impl Iterator<Item = Key> {
    caller.user().into_iter().flat_map(address_keys).map(|key| key.key)
}

/// Has the index entries that lead to this membership written again.
pub(crate) fn restore(tx: &mut Transaction<'_>, user: &UserId, member: &MemberRow) {
    tx.restore(IndexEntry::Membership(user.clone(), member.joined_at), member.intent);
    if let Some(intent) = member.owned {
        tx.restore(IndexEntry::Owned(user.clone()), intent);
    }
}

/// Writes the member's row, their addresses, their seat, and the index entries in their own shard. Answers the open
/// invitations to them that end by this.
pub(crate) async fn add_member(
    tx: &mut Transaction<'_>,
    user: &Identity,
    roles: Vec<RoleName>,
    organization: &OrganizationRow,
) -> Result<Vec<Ended>, Error> {
    take_seat(tx, organization).await?;
    let address_keys: Vec<_> = address_keys(user).collect();
    let ended = close_at(tx, &address_keys, InvitationState::Superseded).await?;
    for key in &address_keys {
        let mut known = tx.get(key).await?.unwrap_or_default();
        known.members.push(user.id.clone());
        tx.put(key, &known)?;
    }
    count_holders(tx, &[], &roles).await?;
    let owned = roles.iter().any(RoleName::is_owner).then_some(tx.intent);
    if owned.is_some() {
        tx.enter(IndexEntry::Owned(user.id.clone()));
    }
    if tx.engine.host().known_hooks().is_some() {
        tx.later(Work::MemberJoined { user: user.id.clone(), roles: roles.clone() })?;
    }
    let member = MemberRow {
        roles,
        email: user.verified_email().cloned(),
        username: user.username.clone(),
        name: user.name.clone(),
        avatar_url: user.avatar_url.clone(),
        joined_at: tx.now,
        intent: tx.intent,
        owned,
        workspaces: Vec::new(),
        profile_at: None,
    };
    tx.put(&keys::member(&user.id), &member)?;
    tx.index(index::MEMBERS, user.id.to_string(), None);
    tx.enter(IndexEntry::Membership(user.id.clone(), tx.now));
    Ok(ended)
}

/// Makes `user` a member of an organization that exists already, and an owner if the roles say so. Answers as
/// [`add_member`].
pub(crate) async fn admit(
    tx: &mut Transaction<'_>,
    user: &Identity,
    roles: Vec<RoleName>,
    mut organization: OrganizationRow,
) -> Result<Vec<Ended>, Error> {
    if roles.iter().any(RoleName::is_owner) {
        push_owner(&mut organization, &user.id)?;
        organization.version += 1;
        organization.updated_at = tx.now;
        tx.put(&keys::organization(), &organization)?;
    }
    add_member(tx, user, roles, &organization).await
}

/// Takes a seat for one more member, if the host's policy leaves one. The count is never read, so that joins do not
/// conflict.
async fn take_seat(tx: &mut Transaction<'_>, organization: &OrganizationRow) -> Result<(), Error> {
    let max = match tx.engine.host().known_seats_max() {
        Some(seats_max) => seats_max(&tx.shown(organization.clone()).await?).map(i64::from),
        None => None,
    };
    let beyond = "all seats of the organization are taken: have a member removed, or ask its operator for more seats";
    let add = Add { key: keys::seats(), by: 1, min: None, max };
    tx.add(add, Error::new(ErrorKind::SeatsExhausted, beyond));
    Ok(())
}

/// Removes the member's row, their addresses with the open invitations to these, their seat, and the index entries in
/// their own shard. Answers the invitations that end by this.
pub(crate) async fn remove_member(
    tx: &mut Transaction<'_>,
    user: &UserId,
    member: MemberRow,
) -> Result<Vec<Ended>, Error> {
    count_holders(tx, &member.roles, &[]).await?;
    if tx.engine.host().known_hooks().is_some() {
        tx.later(Work::MemberRemoved { user: user.clone(), roles: member.roles.clone() })?;
    }
    let addresses = [member.email, member.username].into_iter().flatten();
    let addresses: Vec<_> = addresses.map(|address| keys::address(&address.normal())).collect();
    let ended = close_at(tx, &addresses, InvitationState::Revoked).await?;
    for key in &addresses {
        let Some(mut row) = tx.get(key).await? else { continue };
        row.members.retain(|member| member != user);
        if row.members.is_empty() { tx.delete(key) } else { tx.put(key, &row)? }
    }
    if let Some(intent) = member.owned {
        tx.release(IndexEntry::Owned(user.clone()), intent);
    }
    let unbounded = Error::internal("a counter without bounds was said to leave them");
    tx.add(Add { key: keys::seats(), by: -1, min: None, max: None }, unbounded);
    tx.delete(&keys::member(user));
    tx.unindex(index::MEMBERS, user.to_string());
    tx.release(IndexEntry::Membership(user.clone(), member.joined_at), member.intent);
    Ok(ended)
}

/// Adds the invitations that ended by a change to the details of its audit event.
pub(crate) fn details(mut details: Value, ended: &[Ended]) -> Value {
    if !ended.is_empty() {
        details["endedInvitations"] = ended.iter().map(|ended| json!(ended.id)).collect();
    }
    details
}

/// Makes `user` an owner in the organization's row and in the member's. The caller of this function writes both.
pub(crate) fn add_owner(
    tx: &mut Transaction<'_>,
    row: &mut OrganizationRow,
    user: &UserId,
    member: &mut MemberRow,
) -> Result<(), Error> {
    push_owner(row, user)?;
    own(tx, user, member);
    Ok(())
}

/// Counts the organization among those that the member owns.
pub(crate) fn own(tx: &mut Transaction<'_>, user: &UserId, member: &mut MemberRow) {
    if member.owned.is_none() {
        member.owned = Some(tx.intent);
        tx.enter(IndexEntry::Owned(user.clone()));
    }
}

/// Counts the organization no longer among those that the member owns.
pub(crate) fn disown(tx: &mut Transaction<'_>, user: &UserId, member: &mut MemberRow) {
    if let Some(intent) = member.owned.take() {
        tx.release(IndexEntry::Owned(user.clone()), intent);
    }
}

fn push_owner(row: &mut OrganizationRow, user: &UserId) -> Result<(), Error> {
    if row.owners.len() >= limits::OWNERS_MAX {
        let detail = format!("an organization has at most {} owners", limits::OWNERS_MAX);
        return Err(Error::invalid_field("role", "too_many", detail));
    }
    row.owners.push(user.clone());
    Ok(())
}

/// Makes `user` an owner no longer, in the organization's row and in the member's; refuses if they are the last owner.
/// The caller of this function writes both.
pub(crate) fn remove_owner(
    tx: &mut Transaction<'_>,
    row: &mut OrganizationRow,
    user: &UserId,
    member: &mut MemberRow,
) -> Result<(), Error> {
    row.owners.retain(|owner| owner != user);
    if row.owners.is_empty() {
        return Err(Error::new(ErrorKind::LastOwner, "this is the last owner: make somebody else an owner first"));
    }
    disown(tx, user, member);
    Ok(())
}
