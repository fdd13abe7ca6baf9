//! What accepting and declining have in common: how an invitation is named by whom it is for, and how it ends.

use crate::{
    address::Address,
    caller::Identity,
    clock::Timestamp,
    entry::IndexEntry,
    error::{Error, ErrorKind},
    ids::{InvitationId, OrganizationId},
    operation::Locate,
    operations::{issued::Issued, members::join, roles::count_holders},
    rows::{self, InvitationRow, InvitationState, index, keys, shards},
    secret::InvitationToken,
    store::Key,
    transaction::Transaction,
    validate::Violations,
};

/// Names an invitation by its token, or by its id when it is addressed to the caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) token: Option<&'a str>,
    pub(super) id: Option<InvitationId>,
}

impl Named<'_> {
    pub(super) fn check(self, problems: &mut Violations) {
        match (self.token, self.id) {
            (None, None) => problems.add("token", "required", "give either token or id"),
            (Some(_), Some(_)) => problems.add("id", "conflict", "give either token or id, not both"),
            (Some(token), None) => {
                if let Err(error) = InvitationToken::parse(token) {
                    problems.add("token", "invalid", error.to_string());
                }
            }
            (None, Some(_)) => {}
        }
    }

    /// The organization of the invitation.
    pub(super) async fn locate(self, request: &Locate<'_>) -> Result<OrganizationId, Error> {
        if let Some(token) = self.token()? {
            return Ok(token.organization());
        }
        // An id alone is no secret: it is looked for only among what is addressed to the caller.
        let id = self.id.ok_or_else(unknown)?;
        for address in request.request.caller.user()?.addresses() {
            let keys = [keys::address_entry(id).key, keys::closed_address_entry(id).key];
            let found = request.engine.store().read(&shards::address(&address.normal()), &keys).await?;
            if let Some(organization) = found.into_iter().flatten().next() {
                return rows::decode(&organization);
            }
        }
        Err(unknown())
    }

    /// Reads the invitation, and requires that it is the user's to answer.
    pub(super) async fn get(
        self,
        tx: &mut Transaction<'_>,
        user: &Identity,
    ) -> Result<(InvitationId, InvitationRow), Error> {
        let token = self.token()?;
        let id = token.as_ref().map(InvitationToken::invitation).or(self.id).ok_or_else(unknown)?;
        let others = [keys::organization().key, keys::member(&user.id).key, keys::roles().key];
        let addresses = join::address_keys(user).map(|key| key.key);
        tx.load(others.into_iter().chain(either_key(id)).chain(addresses)).await?;
        // What is known of the closed invitations of an organization outlives it by some weeks, and counts for nothing.
        tx.get(&keys::organization()).await?.ok_or_else(unknown)?;
        let row = find(tx, id).await?.ok_or_else(unknown)?;
        if token.is_some_and(|token| !row.is_opened_by(&token.hashed())) {
            return Err(unknown());
        }
        require_addressee(user, &row.address)?;
        Ok((id, row))
    }

    fn token(self) -> Result<Option<InvitationToken>, Error> {
        let token = self.token.map(InvitationToken::parse).transpose();
        token.map_err(|error| Error::invalid_field("token", "invalid", error.to_string()))
    }
}

/// Where an invitation is: while it is open, and for some time afterwards.
pub(super) fn either_key(id: InvitationId) -> [Key; 2] {
    [keys::invitation(id).key, keys::closed_invitation(id).key]
}

/// The invitation, open or closed.
pub(super) async fn find(tx: &mut Transaction<'_>, id: InvitationId) -> Result<Option<InvitationRow>, Error> {
    tx.load(either_key(id)).await?;
    match tx.get(&keys::invitation(id)).await? {
        Some(row) => Ok(Some(row)),
        None => tx.get(&keys::closed_invitation(id)).await,
    }
}

pub(super) fn unknown() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such invitation: ask whoever invited you for another")
}

/// The invitation is for this user. The error does not tell for whom else.
fn require_addressee(user: &Identity, address: &Address) -> Result<(), Error> {
    let normal = address.normal();
    if user.addresses().any(|own| own.normal() == normal) {
        return Ok(());
    }
    if address.as_email().is_some() && user.verified_email().is_none() {
        return Err(Error::new(
            ErrorKind::EmailUnverified,
            "your e-mail address is not verified: verify it where you sign in, then try again",
        ));
    }
    Err(Error::new(
        ErrorKind::EmailMismatch,
        "the invitation is for another address than yours: sign in with the one that was invited",
    ))
}

/// The invitation waits for an answer, and not too long.
pub(super) fn require_open(now: Timestamp, row: &InvitationRow) -> Result<(), Error> {
    match row.state {
        InvitationState::Open if row.expires_at > now => Ok(()),
        _ => Err(closed(row.state)),
    }
}

/// Why an invitation in this state cannot be answered any more.
pub(super) fn closed(state: InvitationState) -> Error {
    match state {
        InvitationState::Open | InvitationState::Expired => {
            Error::new(ErrorKind::Expired, "the invitation has expired: ask for another")
        }
        InvitationState::Accepted => Error::new(ErrorKind::Used, "the invitation was accepted already"),
        InvitationState::Revoked => Error::new(ErrorKind::Revoked, "the invitation was withdrawn: ask for another"),
        // Nobody used it, and nobody can: whom it was for has given it back.
        InvitationState::Declined => Error::new(ErrorKind::Revoked, "the invitation was declined: ask for another"),
    }
}

/// Ends an open invitation: it is listed no more, and its address is free for another.
///
/// For [`limits::CLOSED_INVITATION_LIFETIME`] it is known why it ended, to whoever names it by its token or its id: a
/// repetition is told the same, and not that there is none.
pub(super) async fn close(
    tx: &mut Transaction<'_>,
    id: InvitationId,
    mut row: InvitationRow,
    state: InvitationState,
) -> Result<(), Error> {
    let normal = row.address.normal();
    // Whoever accepts comes to the address themselves, and one that has expired makes way for another to the same
    // address: it is not free, and whoever comes there writes it.
    if !matches!(state, InvitationState::Accepted | InvitationState::Expired) {
        free(tx, id, &row).await?;
    }
    tx.release(IndexEntry::Invitation(normal.clone(), id), row.intent);
    tx.release(IndexEntry::Invited(normal, id), row.intent);
    count_holders(tx, &row.roles, &[]).await?;
    tx.unindex(index::INVITATIONS, id.to_base62());
    Issued::Invitation(id).end(tx, &row.invited_by);
    tx.delete(&keys::invitation(id));
    row.state = state;
    tx.put(&keys::closed_invitation(id), &row)
}

async fn free(tx: &mut Transaction<'_>, id: InvitationId, row: &InvitationRow) -> Result<(), Error> {
    let key = keys::address(&row.address.normal());
    if let Some(mut known) = tx.get(&key).await?.filter(|known| known.invitation == Some(id)) {
        known.invitation = None;
        if known.members.is_empty() { tx.delete(&key) } else { tx.put(&key, &known)? }
    }
    Ok(())
}
