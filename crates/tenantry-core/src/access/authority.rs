//! What a caller may do in an organization, decided from rows that were read now.
//!
//! This is the only place that decides it: for the layer, which resolves a `Tenant`, and for every operation, whose
//! commit verifies that the same rows are still so.
//!
//! Nobody grants more than they hold, and not for longer either:
//!
//! 1. What a caller hands out holds no permission that they lack ([`Authority::may_grant`]).
//! 2. A credential or an offer (an API token, a new secret of one, an invitation, a join code) that an API token hands
//!    out ends no later than that token, or the secret that was presented of it ([`Authority::may_grant_until`]). What
//!    takes away (a shorter life, fewer permissions, a revocation) is not bound by that.
//! 3. What an organization decides about itself stays: who its members are, which roles they have, what its own roles
//!    permit, which workspaces there are. It does not end with the API token that wrote it, as it does not end with the
//!    user who did: it is no secret that somebody could carry on with, but a fact that everyone who may sees in the
//!    lists, that the audit log names the token for, and that whoever manages the organization takes back. If it ended
//!    with the token, everybody whom a program brought in would be out on the day that its token is renewed. So the end
//!    of a token with `members:manage` bounds for how long it can make members, not how long they stay.

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
    /// As they are shown, from the highest to the lowest; none for an API token.
    pub(crate) roles: Vec<RoleName>,
    pub(crate) permissions: PermissionSet,
    /// Whether they have an owner's power over owners. An API token never has.
    pub(crate) owner: bool,
    /// When the credential itself ends; `None` for a user: their JWT does, and what they may do does not.
    pub(crate) expires_at: Option<Timestamp>,
    /// The credential of a member tells what their row does not know yet.
    pub(crate) profile_is_due: bool,
    /// How often the API token may be presented.
    pub(crate) rate_limit: Option<RateLimit>,
}

impl Authority {
    /// Somebody who is known and has no rights in any organization.
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

    /// The caller holds `permission`.
    pub(crate) fn require(&self, registry: &Registry, permission: Permission) -> Result<(), Error> {
        let permits = registry.permits(&self.permissions, permission.as_str());
        if permits { Ok(()) } else { Err(Error::lacks(permission.as_str())) }
    }

    /// The caller may hand out all of `roles`, which rows name so: they hold what the roles hold, and are an owner if
    /// they make one.
    pub(crate) fn may_grant(&self, known: &Roles, roles: &[RoleName]) -> Result<(), Error> {
        if roles.iter().any(RoleName::is_owner) && !self.owner {
            return Err(Error::new(ErrorKind::GrantExceedsOwn, "only an owner can make an owner"));
        }
        self.may_grant_permissions(known.registry(), &known.union(roles))
    }

    /// The caller may hand out what ends at `end`, or never by itself, which `field` of the request says.
    pub(crate) fn may_grant_until(&self, field: &str, end: Option<Timestamp>) -> Result<(), Error> {
        match self.expires_at {
            Some(own) if end.is_none_or(|end| end > own) => {
                let detail = format!("your API token ends at {own}, and grants nothing that ends later");
                Err(Error::new(ErrorKind::GrantExceedsOwn, detail).about(field, "too_late"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The caller holds all of `permissions`.
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

/// The rows that decide: the organization, the caller's place in it, and its own roles. In this order.
pub(crate) fn keys(caller: &Caller) -> [Key; 3] {
    let subject = match caller {
        Caller::User(identity) => keys::member(&identity.id).key,
        Caller::Token(presented) => keys::token(&presented.key).key,
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
    };
    let authority = decided?;
    // A token's organization was deleted; a user was told so already.
    let row = row.ok_or_else(unknown_token)?;
    active(row, authority)
}

/// Decides of a user who is a member.
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

/// Nobody acts in an organization that is suspended, but a platform admin.
fn active(organization: OrganizationRow, authority: Authority) -> Result<(OrganizationRow, Authority), Error> {
    if !matches!(authority.principal, Principal::PlatformAdmin(_)) {
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
        // An organization that lost its last owner is looked after by the platform until one is assigned.
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

fn api_token(
    presented: &Presented,
    organization: OrganizationId,
    token: Option<TokenRow>,
    registry: &Registry,
    now: Timestamp,
) -> Result<Authority, Error> {
    // A token of another organization was read in the wrong place: whether it is valid does not matter here.
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
