//! How a member gets other roles: the same for whoever sets one or several.

use super::join;
use crate::{
    error::{Error, ErrorKind},
    ids::UserId,
    operations::roles::count_holders,
    role::RoleName,
    roles::Roles,
    rows::{MemberRow, keys},
    transaction::Transaction,
};

/// Gives the member these roles, in place of those that they have; the member's row is left to write. Whether anything
/// changes.
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
    let roles = known.ranked(roles);
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
