//! How an invitation ends.
//!
//! 1. An open invitation to a member's address would let them come back after they were removed. So within one
//!    organization nobody is both a member and invited: whoever becomes a member, or is one no longer, ends the open
//!    invitations to their addresses in the same commit.
//! 2. For [`limits::CLOSED_INVITATION_LIFETIME`](crate::values::limits::CLOSED_INVITATION_LIFETIME) it is kept why an
//!    invitation ended, for whoever names it by its token or its id: a repeated request gets the same answer, and not
//!    that there is no such invitation.

use super::allowance;
use crate::{
    engine::{entry::IndexEntry, transaction::Transaction},
    operations::{issued::Issued, roles::count_holders},
    rows::{AddressRow, InvitationRow, InvitationState, RowKey, index, keys},
    values::{
        error::{Error, ErrorKind},
        ids::InvitationId,
        role::RoleName,
    },
};

/// An invitation that was open until this transaction.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) id: InvitationId,
    /// The roles that accepting it would have given.
    pub(crate) roles: Vec<RoleName>,
}

/// Why an invitation in this state cannot be answered any more.
pub(super) fn closed(state: InvitationState) -> Error {
    match state {
        InvitationState::Open | InvitationState::Expired => {
            Error::new(ErrorKind::Expired, "the invitation has expired: ask for another")
        }
        InvitationState::Accepted => Error::new(ErrorKind::Used, "the invitation was accepted already"),
        InvitationState::Superseded => {
            Error::new(ErrorKind::Used, "the invitation ended when whom it was for joined by another way")
        }
        InvitationState::Revoked => Error::new(ErrorKind::Revoked, "the invitation was withdrawn: ask for another"),
        // It was not used, and nobody can use it any more: the invitee has given it back.
        InvitationState::Declined => Error::new(ErrorKind::Revoked, "the invitation was declined: ask for another"),
    }
}

/// Ends an open invitation: it is no longer listed, and its address is free for another.
pub(super) async fn close(
    tx: &mut Transaction<'_>,
    id: InvitationId,
    mut row: InvitationRow,
    state: InvitationState,
) -> Result<(), Error> {
    let normal = row.address.normal();
    free(tx, id, &keys::address(&normal)).await?;
    tx.release(IndexEntry::Invitation(normal.clone(), id), row.intent);
    tx.release(IndexEntry::Invited(normal, id), row.intent);
    count_holders(tx, &row.roles, &[]).await?;
    tx.unindex(index::INVITATIONS, id.to_base62());
    allowance::close_one(tx);
    Issued::Invitation(id).end(tx, &row.invited_by);
    tx.delete(&keys::invitation(id));
    row.state = state;
    tx.put(&keys::closed_invitation(id), &row)
}

/// Frees the address for another invitation.
async fn free(tx: &mut Transaction<'_>, id: InvitationId, key: &RowKey<AddressRow>) -> Result<(), Error> {
    if let Some(mut known) = tx.get(key).await?.filter(|known| known.invitation == Some(id)) {
        known.invitation = None;
        if known.members.is_empty() { tx.delete(key) } else { tx.put(key, &known)? }
    }
    Ok(())
}

/// Ends the open invitations to these addresses, and answers them: at most two round trips.
pub(crate) async fn close_at(
    tx: &mut Transaction<'_>,
    addresses: &[RowKey<AddressRow>],
    state: InvitationState,
) -> Result<Vec<Ended>, Error> {
    tx.load(addresses.iter().map(|key| key.key.clone())).await?;
    let mut open = Vec::new();
    for key in addresses {
        open.extend(tx.get(key).await?.and_then(|known| known.invitation));
    }
    tx.load(open.iter().map(|id| keys::invitation(*id).key)).await?;
    let mut ended = Vec::with_capacity(open.len());
    for id in open {
        if let Some(row) = tx.get(&keys::invitation(id)).await? {
            ended.push(Ended { id, roles: row.roles.clone() });
            close(tx, id, row, state).await?;
        }
    }
    Ok(ended)
}
