//! What accepting and declining have in common: how the invitee names the invitation.

use super::close::closed;
use crate::{
    access::caller::Identity,
    engine::{entry::IndexEntry, operation::Locate, transaction::Transaction},
    operations::members::join,
    rows::{self, InvitationEntryRow, InvitationRow, InvitationState, keys, shards},
    secret::InvitationToken,
    store::Key,
    values::{
        address::Address,
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        validate::Violations,
    },
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
        // An id is no secret, so it is looked up only among the invitations to the caller's own addresses.
        let id = self.id.ok_or_else(unknown)?;
        for address in request.request.caller.user()?.addresses() {
            let keys = [keys::address_entry(id).key, keys::closed_address_entry(id).key];
            let found = request.engine.store().read(&shards::address(&address.normal()), &keys).await?;
            if let Some(entry) = found.into_iter().flatten().next() {
                let InvitationEntryRow { organization, intent } = rows::decode(&entry)?;
                request.led_by(IndexEntry::Invitation(address.normal(), id), intent);
                return Ok(organization);
            }
        }
        Err(unknown())
    }

    /// Reads the invitation; refuses a user whom it is not for.
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
        // Rows of closed invitations outlive a deleted organization by some weeks, and are void then.
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

/// The keys of an invitation's row: while it is open, and for some time afterwards.
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

/// Refuses a user whom the invitation is not for. The error does not tell for whom it is.
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

/// Refuses an invitation that was closed or has expired.
pub(super) fn require_open(now: Timestamp, row: &InvitationRow) -> Result<(), Error> {
    match row.state {
        InvitationState::Open if row.expires_at > now => Ok(()),
        _ => Err(closed(row.state)),
    }
}
