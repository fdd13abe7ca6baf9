//! How a user becomes a member: the same for whoever creates, accepts or joins.

use crate::{
    caller::Identity,
    entry::IndexEntry,
    error::{Error, ErrorKind},
    ids::{InvitationId, UserId},
    limits,
    operations::roles::count_holders,
    role::RoleName,
    rows::{AddressRow, MemberRow, OrganizationRow, index, keys},
    transaction::Transaction,
};

/// Writes the member, their addresses, and the entry in their own shard. `answered` is the invitation that they
/// accept.
pub(crate) async fn add_member(
    tx: &mut Transaction<'_>,
    user: &Identity,
    roles: Vec<RoleName>,
    answered: Option<InvitationId>,
) -> Result<(), Error> {
    let address_keys: Vec<_> = user.addresses().map(|address| keys::address(&address.normal())).collect();
    tx.load(address_keys.iter().map(|key| key.key.clone())).await?;
    for key in &address_keys {
        let AddressRow { mut members, invitation } = tx.get(key).await?.unwrap_or_default();
        members.push(user.id.clone());
        let invitation = invitation.filter(|invitation| Some(*invitation) != answered);
        tx.put(key, &AddressRow { members, invitation })?;
    }
    count_holders(tx, &[], &roles).await?;
    let member = MemberRow {
        roles,
        email: user.verified_email().cloned(),
        username: user.username.clone(),
        name: user.name.clone(),
        avatar_url: user.avatar_url.clone(),
        joined_at: tx.now,
        intent: tx.intent,
    };
    tx.put(&keys::member(&user.id), &member)?;
    tx.index(index::MEMBERS, user.id.to_string(), None);
    tx.enter(IndexEntry::Membership(user.id.clone()));
    Ok(())
}

/// Makes `user` a member of an organization that is there already, and an owner if the roles say so.
pub(crate) async fn admit(
    tx: &mut Transaction<'_>,
    user: &Identity,
    roles: Vec<RoleName>,
    mut organization: OrganizationRow,
    answered: Option<InvitationId>,
) -> Result<(), Error> {
    if roles.iter().any(RoleName::is_owner) {
        add_owner(&mut organization, &user.id)?;
        organization.version += 1;
        organization.updated_at = tx.now;
        tx.put(&keys::organization(), &organization)?;
    }
    add_member(tx, user, roles, answered).await
}

/// Removes the member's row, their addresses, and the entry in their own shard.
pub(crate) async fn remove_member(tx: &mut Transaction<'_>, user: &UserId, member: MemberRow) -> Result<(), Error> {
    count_holders(tx, &member.roles, &[]).await?;
    for address in [member.email, member.username].into_iter().flatten() {
        let key = keys::address(&address.normal());
        let Some(mut row) = tx.get(&key).await? else { continue };
        row.members.retain(|member| member != user);
        if row.members.is_empty() && row.invitation.is_none() { tx.delete(&key) } else { tx.put(&key, &row)? }
    }
    tx.delete(&keys::member(user));
    tx.unindex(index::MEMBERS, user.to_string());
    tx.release(IndexEntry::Membership(user.clone()), member.intent);
    Ok(())
}

/// Notes in the organization's row that `user` is an owner.
pub(crate) fn add_owner(row: &mut OrganizationRow, user: &UserId) -> Result<(), Error> {
    if row.owners.len() >= limits::OWNERS_MAX {
        let detail = format!("an organization has at most {} owners", limits::OWNERS_MAX);
        return Err(Error::invalid_field("role", "too_many", detail));
    }
    row.owners.push(user.clone());
    Ok(())
}

/// Notes in the organization's row that `user` is an owner no more, unless they are the last.
pub(crate) fn remove_owner(row: &mut OrganizationRow, user: &UserId) -> Result<(), Error> {
    row.owners.retain(|owner| owner != user);
    if row.owners.is_empty() {
        return Err(Error::new(ErrorKind::LastOwner, "this is the last owner: make somebody else an owner first"));
    }
    Ok(())
}
