//! Decides what a caller may do in an organization, from rows that were just read.
//!
//! This is the only place that decides it: for the layer, which resolves a `Tenant`, and for every operation, whose
//! commit verifies that the same rows are unchanged.
//!
//! Nobody grants more than they hold, and not for longer either:
//!
//! 1. What a caller grants contains no permission that they lack ([`Authority::may_grant`]).
//! 2. What an API token issues (another API token, a new secret for one, an invitation, a join code) ends no later than
//!    that token, or than the secret of it that was presented ([`Authority::may_grant_until`]). A change that takes
//!    something away (a shorter life, fewer permissions, a revocation) is not limited by this.
//! 3. What an API token changes in the organization outlives the token: who its members are, which roles they have,
//!    what its own roles permit, which workspaces there are. It also outlives the user who changed it. It is no secret
//!    that somebody could carry on with: everybody who may sees it in the lists, the audit log names the token for it,
//!    and whoever manages the organization can take it back. If it ended with the token, everybody whom a program
//!    brought in would be out on the day that its token is renewed. So the end of a token with `members:manage` limits
//!    for how long it can make members, not how long they stay.

use bytes::Bytes;

use crate::{
    access::{
        caller::{Caller, Identity, Presented},
        permission::{Permission, PermissionSet},
        profile_update,
        registry::Registry,
        roles::Roles,
    },
    rows::{self, MemberRow, OrganizationRow, TokenRow, keys},
    store::Key,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        principal::Principal,
        rate_limit::RateLimit,
        role::RoleName,
    },
};

/// Who acts in an organization, and with which rights.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) principal: Principal,
    /// The names that people are shown, from the highest role to the lowest; empty for an API token.
    pub(crate) roles: Vec<RoleName>,
    pub(crate) permissions: PermissionSet,
    /// Whether they have an owner's power over owners. An API token never has it.
    pub(crate) owner: bool,
    /// When the API token or its presented secret ends. `None` for a user: their rights do not end with their JWT.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether a member's credential says something about them that their row does not say yet.
    pub(crate) profile_is_due: bool,
    /// How often the API token may be presented.
    pub(crate) rate_limit: Option<RateLimit>,
}

impl Authority {
    /// A caller who is known but has no rights in any organization.
    pub(crate) fn outside(caller: &Caller) -> Self {
        Self {
            principal: caller.principal(),
            roles: Vec::new(),
            permissions: PermissionSet::default(),
            owner: false,
            expires_at: None,
            profile_is_due: false,
            rate_limit: None,
        }
    }

    /// Refuses a caller who does not hold `permission`.
    pub(crate) fn require(&self, registry: &Registry, permission: Permission) -> Result<(), Error> {
        let permits = registry.permits(&self.permissions, permission.as_str());
        if permits { Ok(()) } else { Err(Error::lacks(permission.as_str())) }
    }

    /// Refuses a caller who may not grant all of `roles`, which are named as in rows. The caller must hold what these
    /// roles hold, and be an owner to make an owner.
    pub(crate) fn may_grant(&self, known: &Roles, roles: &[RoleName]) -> Result<(), Error> {
        if roles.iter().any(RoleName::is_owner) && !self.owner {
            return Err(Error::new(ErrorKind::GrantExceedsOwn, "only an owner can make an owner"));
        }
        self.may_grant_permissions(known.registry(), &known.union(roles))
    }

    /// Refuses a caller whose API token ends before what they grant: that ends at `end`, or never. `field` is where the
    /// request says so.
    pub(crate) fn may_grant_until(&self, field: &str, end: Option<Timestamp>) -> Result<(), Error> {
        match self.expires_at {
            Some(own) if end.is_none_or(|end| end > own) => {
                let detail = format!("your API token ends at {own}, and grants nothing that ends later");
                Err(Error::new(ErrorKind::GrantExceedsOwn, detail).about(field, "too_late"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a caller who does not hold all of `permissions`.
    pub(crate) fn may_grant_permissions(&self, registry: &Registry, permissions: &PermissionSet) -> Result<(), Error> {
        match registry.first_beyond(&self.permissions, permissions) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::GrantExceedsOwn,
                format!("you cannot grant {name}, which you do not hold yourself"),
            )),
        }
    }
}

/// The keys of the rows that decide, in this order: the organization, the caller as its member or its API token, and
/// its own roles.
pub(crate) fn keys(caller: &Caller) -> [Key; 3] {
    let subject = match caller {
        Caller::User(identity) => keys::member(&identity.id).key,
        Caller::Token(presented) => keys::token(&presented.key).key,
        // No row of its own decides about it.
        Caller::Host(_) => keys::organization().key,
    };
    [keys::organization().key, subject, keys::roles().key]
}

/// Decides, from the values of [`keys`].
pub(crate) fn decide(
    caller: &Caller,
    organization: OrganizationId,
    values: &[Option<Bytes>; 3],
    registry: &Registry,
    now: Timestamp,
) -> Result<(OrganizationRow, Authority), Error> {
    let [row, subject, roles] = values;
    let row: Option<OrganizationRow> = row.as_deref().map(rows::decode).transpose()?;
    let decided = match caller {
        Caller::User(identity) => {
            let member = subject.as_deref().map(rows::decode).transpose()?;
            user(identity, row.as_ref(), member, &Roles::read(registry, organization, roles.as_deref())?, now)
        }
        Caller::Token(presented) => {
            let token = subject.as_deref().map(rows::decode).transpose()?;
            api_token(presented, organization, token, registry, now)
        }
        Caller::Host(_) => Ok(host(caller, &Roles::read(registry, organization, roles.as_deref())?)),
    };
    let authority = decided?;
    // The organization was deleted. A user was refused above.
    let row = row.ok_or_else(|| match caller {
        Caller::Token(_) => unknown_token(),
        Caller::User(_) | Caller::Host(_) => Error::not_found("organization"),
    })?;
    active(row, authority)
}

/// Decides about a user who is a member, from decoded rows.
pub(crate) fn decide_member(
    identity: &Identity,
    organization: OrganizationRow,
    member: MemberRow,
    known: &Roles,
    now: Timestamp,
) -> Result<(OrganizationRow, Authority), Error> {
    let authority = user(identity, Some(&organization), Some(member), known, now)?;
    active(organization, authority)
}

/// Refuses everybody but a platform admin and the host if the organization is not active.
fn active(organization: OrganizationRow, authority: Authority) -> Result<(OrganizationRow, Authority), Error> {
    if !matches!(authority.principal, Principal::PlatformAdmin(_) | Principal::Host(_)) {
        organization.require_active()?;
    }
    Ok((organization, authority))
}

fn user(
    identity: &Identity,
    organization: Option<&OrganizationRow>,
    member: Option<MemberRow>,
    known: &Roles,
    now: Timestamp,
) -> Result<Authority, Error> {
    let organization = organization.ok_or_else(|| Error::not_found("organization"))?;
    let principal = if identity.platform_admin {
        Principal::PlatformAdmin(identity.id.clone())
    } else {
        Principal::User(identity.id.clone())
    };
    let profile_is_due = member.as_ref().is_some_and(|member| profile_update::is_due(identity, member, now));
    let roles = match member {
        // While an organization has no owner, a platform admin acts as its owner, until one is assigned.
        _ if identity.platform_admin && organization.owners.is_empty() => vec![RoleName::owner()],
        Some(member) => member.roles,
        None if identity.platform_admin => {
            return Err(Error::new(ErrorKind::Forbidden, "the organization has an owner, and you are not its member"));
        }
        None => return Err(Error::not_found("organization")),
    };
    Ok(Authority {
        principal,
        permissions: known.union(&roles),
        owner: roles.iter().any(RoleName::is_owner),
        roles: known.ranked(roles),
        expires_at: None,
        profile_is_due,
        rate_limit: None,
    })
}

/// Decides about the host's own code, which has what an owner has.
fn host(caller: &Caller, known: &Roles) -> Authority {
    Authority { permissions: known.union(&[RoleName::owner()]), owner: true, ..Authority::outside(caller) }
}

fn api_token(
    presented: &Presented,
    organization: OrganizationId,
    token: Option<TokenRow>,
    registry: &Registry,
    now: Timestamp,
) -> Result<Authority, Error> {
    // A token of another organization has no row in this shard, and whether it is valid there does not matter here.
    if presented.key.organization() != organization {
        return Err(Error::not_found("organization"));
    }
    let token = token.ok_or_else(unknown_token)?;
    let is_current = token.secret == presented.secret;
    let overlapping = token.overlapping(now).filter(|previous| !is_current && previous.secret == presented.secret);
    let overlap_ends = overlapping.map(|previous| previous.valid_until);
    if !is_current && overlap_ends.is_none() {
        return Err(unknown_token());
    }
    if token.revoked_at.is_some() {
        return Err(Error::new(ErrorKind::InvalidToken, "the API token was revoked: make a new one"));
    }
    if token.expires_at.is_some_and(|expiry| expiry <= now) {
        return Err(Error::new(ErrorKind::ExpiredToken, "the API token has expired: make a new one"));
    }
    Ok(Authority {
        principal: Principal::ApiToken(presented.key),
        roles: Vec::new(),
        permissions: registry.granted(token.permissions.iter().map(String::as_str)),
        owner: false,
        expires_at: token.expires_at.into_iter().chain(overlap_ends).min(),
        profile_is_due: false,
        rate_limit: token.rate_limit,
    })
}

fn unknown_token() -> Error {
    Error::new(ErrorKind::InvalidToken, "the API token is not valid: check it, or make a new one")
}
