//! Decides who may be invited, by the same rules for a single invitee and for many.

use std::collections::BTreeSet;

use serde_json::json;

use super::{allowance, close::close};
use crate::{
    access::roles::Roles,
    engine::{Engine, entry::IndexEntry, transaction::Transaction},
    host::directory::{Found, Who},
    operations::{issued::Issued, roles},
    rows::{AddressRow, InvitationRow, InvitationState, RowKey, index, keys},
    secret::InvitationToken,
    values::{
        address::{Address, NormalAddress},
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::InvitationId,
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::{OrgInvitation, OrgInvitationCreated, input},
};

input! {
    /// Somebody to invite, by e-mail address or by username.
    pub struct Invitee {
        /// The e-mail address; either this or `username`.
        #[cfg_attr(feature = "openapi", schema(max_length = 254))]
        pub email: Option<String>,
        /// The username; either this or `email`.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
        pub username: Option<String>,
        /// The role that accepting gives; `member` if neither this nor `roles` is given.
        pub role: Option<RoleName>,
        /// The roles that accepting gives, instead of `role`.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 16))]
        pub roles: Option<Vec<RoleName>>,
        /// The name of who is invited, at most 100 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
        /// Until when it can be accepted; seven days from now if absent, or until the API token ends that invites. One
        /// that ends invites nobody for longer.
        pub expires_at: Option<Timestamp>,
    }
}

/// An invitee who can be invited, as was decided.
pub(super) struct Admissible<'a> {
    invitee: &'a Invitee,
    address: Address,
    roles: Vec<RoleName>,
    expires_at: Timestamp,
    known: AddressRow,
}

impl Invitee {
    pub(super) fn check(&self, problems: &mut Violations) {
        match (&self.email, &self.username) {
            (None, None) => problems.add("email", "required", "give either email or username"),
            (Some(_), Some(_)) => problems.add("username", "conflict", "give either email or username, not both"),
            (Some(email), None) => {
                if let Err(error) = Address::email(email) {
                    problems.add("email", "invalid", error.to_string());
                }
            }
            (None, Some(username)) => {
                if let Err(error) = Address::username(username) {
                    problems.add("username", "invalid", error.to_string());
                }
            }
        }
        problems.roles(self.role.as_ref(), self.roles.as_deref());
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
        problems.expiry("expiresAt", self.expires_at);
    }

    /// The address, parsed.
    pub(super) fn address(&self) -> Result<Address, Error> {
        let (field, address) = match (&self.email, &self.username) {
            (Some(email), _) => ("email", Address::email(email)),
            (None, username) => ("username", Address::username(username.as_deref().unwrap_or_default())),
        };
        address.map_err(|error| Error::invalid_field(field, "invalid", error.to_string()))
    }

    /// What the host knows of the address.
    pub(super) async fn find(&self, engine: &Engine) -> Result<Found, Error> {
        match self.address() {
            Ok(address) => engine.host().find(Who::Address(address)).await,
            Err(_) => Ok(Found::Unknown),
        }
    }

    /// Decides whether the caller may invite them now. `found` is what the host knows of them; `claimed` are the
    /// addresses that this same request invites already.
    pub(super) async fn decide(
        &self,
        tx: &mut Transaction<'_>,
        found: &Found,
        claimed: &mut BTreeSet<NormalAddress>,
    ) -> Result<Admissible<'_>, Error> {
        let known_roles = tx.roles().await?;
        let roles = self.granted(tx, &known_roles)?;
        let expires_at = end(tx, self.expires_at)?;
        let address = self.address()?;
        let normal = address.normal();
        if claimed.contains(&normal) {
            return Err(already_invited());
        }
        match found {
            Found::Nobody if address.as_username().is_some() => return Err(unknown_user()),
            // They are a member, perhaps by another address: an invitation would be for somebody who is here.
            Found::User(profile) if tx.get(&keys::member(&profile.id)).await?.is_some() => return Err(already_member()),
            Found::Unknown | Found::Nobody | Found::User(_) => {}
        }
        let known = require_free(tx, &keys::address(&normal)).await?;
        claimed.insert(normal);
        Ok(Admissible { invitee: self, address, roles, expires_at, known })
    }

    /// The roles that are asked for; refuses a caller who may not grant them.
    fn granted(&self, tx: &Transaction<'_>, known: &Roles) -> Result<Vec<RoleName>, Error> {
        let asked = match (&self.role, &self.roles) {
            (Some(role), _) => vec![role.clone()],
            (None, Some(roles)) => roles.clone(),
            (None, None) => vec![RoleName::member()],
        };
        let meant = roles::meant(known, if self.roles.is_some() { "roles" } else { "role" }, &asked)?;
        tx.authority.may_grant(known, &meant)?;
        Ok(meant)
    }
}

impl Admissible<'_> {
    /// Writes the invitation under `number`, and records it.
    pub(super) async fn invite(
        self,
        tx: &mut Transaction<'_>,
        organization_name: &str,
        number: u64,
    ) -> Result<OrgInvitationCreated, Error> {
        let Self { invitee, address, roles, expires_at, known } = self;
        let organization = tx.organization_id()?;
        let normal = address.normal();
        let id = InvitationId::new(tx.now, tx.entropy())?;
        let token = InvitationToken::new(organization, id, tx.entropy())?;
        let row = InvitationRow {
            number,
            address,
            name: invitee.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
            roles,
            secret: token.hashed(),
            state: InvitationState::Open,
            invited_by: tx.authority.principal.clone(),
            created_at: tx.now,
            expires_at,
            intent: tx.intent,
            mailing: super::mail::later(tx, id)?,
        };
        roles::count_holders(tx, &[], &row.roles).await?;
        tx.put(&keys::invitation(id), &row)?;
        tx.put(&keys::address(&normal), &AddressRow { invitation: Some(id), ..known })?;
        tx.index(index::INVITATIONS, id.to_base62(), Some(row.number));
        allowance::open_one(tx);
        Issued::Invitation(id).issue(tx)?;
        tx.enter(IndexEntry::Invitation(normal.clone(), id));
        tx.enter(IndexEntry::Invited(normal, id));
        tx.record(Some(id.to_string()), &json!({ "to": row.address.to_string(), "roles": row.roles }))?;
        let known_roles = tx.roles().await?;
        let invitation = OrgInvitation::new(id, (organization, organization_name), row, &known_roles, tx.now);
        Ok(OrgInvitationCreated { invitation, token: token.plain().expose().to_owned() })
    }
}

/// When an invitation ends: when the caller `asked`, which they must be allowed to grant, or else after the usual time,
/// but no later than the caller's API token.
pub(super) fn end(tx: &Transaction<'_>, asked: Option<Timestamp>) -> Result<Timestamp, Error> {
    if let Some(asked) = asked {
        tx.authority.may_grant_until("expiresAt", Some(asked))?;
        return Ok(asked);
    }
    let usual = tx.now.after(limits::INVITATION_LIFETIME_DEFAULT);
    Ok(tx.authority.expires_at.map_or(usual, |own| own.min(usual)))
}

/// Refuses an address that a member has or that is invited. An invitation to it that has expired is closed.
async fn require_free(tx: &mut Transaction<'_>, key: &RowKey<AddressRow>) -> Result<AddressRow, Error> {
    let mut known = tx.get(key).await?.unwrap_or_default();
    if !known.members.is_empty() {
        return Err(already_member());
    }
    let earlier = known.invitation.take();
    if let Some(id) = earlier
        && let Some(earlier) = tx.get(&keys::invitation(id)).await?
    {
        if earlier.expires_at > tx.now {
            return Err(already_invited());
        }
        close(tx, id, earlier, InvitationState::Expired).await?;
    }
    Ok(known)
}

pub(super) fn already_member() -> Error {
    Error::new(ErrorKind::AlreadyMember, "whoever has this address is a member already")
}

fn unknown_user() -> Error {
    let detail = "nobody has this username: check it, or invite by e-mail address";
    Error::new(ErrorKind::NotFound, detail).about("username", "unknown")
}

fn already_invited() -> Error {
    Error::new(ErrorKind::AlreadyInvited, "an invitation to this address is open: revoke it before you make another")
}
