//! How a member gets other roles or workspaces: the same code for setting one role and for setting several.

use std::collections::BTreeSet;

use super::join;
use crate::{
    access::roles::Roles,
    engine::transaction::Transaction,
    operations::{roles::count_holders, workspaces},
    rows::{MemberRow, keys},
    values::{
        error::{Error, ErrorKind},
        ids::{UserId, WorkspaceId},
        role::RoleName,
    },
};

/// Gives the member these roles ([`roles::meant`](crate::operations::roles::meant)) in place of those that they have,
/// and answers whether anything changes. Writing the member's row is left to the caller of this function.
pub(super) async fn assign(
    tx: &mut Transaction<'_>,
    known: &Roles,
    user: &UserId,
    member: &mut MemberRow,
    roles: Vec<RoleName>,
) -> Result<bool, Error> {
    let was_owner = member.roles.iter().any(RoleName::is_owner);
    if was_owner && !tx.authority.owner {
        return Err(Error::new(ErrorKind::Forbidden, "only an owner can change the role of an owner"));
    }
    tx.authority.may_grant(known, &roles)?;
    if member.roles == roles {
        return Ok(false);
    }
    let is_owner = roles.iter().any(RoleName::is_owner);
    if was_owner != is_owner {
        let mut row = tx.organization().await?;
        if was_owner {
            join::remove_owner(tx, &mut row, user, member)?;
        } else {
            join::add_owner(tx, &mut row, user, member)?;
        }
        row.version += 1;
        row.updated_at = tx.now;
        tx.put(&keys::organization(), &row)?;
    }
    count_holders(tx, &member.roles, &roles).await?;
    member.roles = roles;
    Ok(true)
}

/// Assigns the member to these workspaces, in place of those that they are assigned to. Writing the member's row is
/// left to the caller of this function; it stays as it is if nothing visible changes.
///
/// A workspace grants no permission, so nobody gains rights by it. Still only owners may change an owner's workspaces,
/// as with roles.
pub(super) async fn assign_workspaces(
    tx: &mut Transaction<'_>,
    member: &mut MemberRow,
    asked: &[WorkspaceId],
) -> Result<(), Error> {
    if member.roles.iter().any(RoleName::is_owner) && !tx.authority.owner {
        return Err(Error::new(ErrorKind::Forbidden, "only an owner can change the workspaces of an owner"));
    }
    tx.load(asked.iter().chain(&member.workspaces).map(|id| keys::workspace(*id).key)).await?;
    workspaces::require_known(tx, "workspaces", asked).await?;
    let asked: BTreeSet<_> = asked.iter().copied().collect();
    let mut living = BTreeSet::new();
    for id in &member.workspaces {
        if tx.get(&keys::workspace(*id)).await?.is_some() {
            living.insert(*id);
        }
    }
    if living != asked {
        member.workspaces = asked.into_iter().collect();
    }
    Ok(())
}
