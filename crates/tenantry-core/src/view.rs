//! What operations answer with: the types of the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    caller::Principal,
    clock::Timestamp,
    error::Error,
    ids::{InvitationId, JoinCodeId, OrganizationId, UserId, WorkspaceId},
    mailer::Delivery,
    rate_limit::RateLimit,
    registry::Registry,
    role::RoleName,
    roles::Roles,
    rows::{InvitationRow, JoinCodeRow, MemberRow, ProfileRow, Status, TokenRow, UsedRow, WholeOrganization},
    secret::{ApiTokenSecret, Environment, TokenKey},
};

macro_rules! view {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($body)* }
    )*};
}

view! {
    /// An organization.
    pub struct Organization {
        /// Its id.
        pub id: OrganizationId,
        /// A number for people, never reused.
        pub number: u64,
        /// Its name.
        pub name: String,
        /// Its name in addresses, unique.
        pub slug: String,
        /// What it is about.
        pub description: String,
        /// Where its picture is.
        pub avatar_url: Option<String>,
        /// What sort of organization it is, in the host's words.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// Whether it may be used.
        pub status: Status,
        /// Why it may not be used.
        pub status_reason: Option<String>,
        /// Its first owner; `null` if it has none left.
        pub owner: Option<UserId>,
        /// ISO 3166-1 alpha-2.
        pub country_code: String,
        /// The country's name.
        pub country: String,
        /// State or region.
        pub state: String,
        /// City.
        pub city: String,
        /// Postal address.
        pub address: String,
        /// IANA name of the time zone.
        pub timezone: String,
        /// The organization's e-mail address.
        pub email: String,
        /// The host's own data.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub metadata: Map<String, Value>,
        /// When it was created.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Timestamp,
        /// Grows by one with each change of the organization itself.
        pub version: u64,
    }

    /// A user's place in an organization.
    pub struct OrgMembership {
        /// The organization.
        pub organization: Organization,
        /// The highest of the roles.
        pub role: RoleName,
        /// All roles, from the highest to the lowest.
        pub roles: Vec<RoleName>,
        /// What the roles permit, together.
        pub permissions: Vec<String>,
        /// When the user joined.
        pub joined_at: Timestamp,
    }

    /// A member of an organization, or somebody who is invited to become one.
    pub struct OrgMember {
        /// The user; `null` for an invitation.
        pub user_id: Option<UserId>,
        /// A number for people, never reused in this organization: the member's, or the invitation's.
        pub number: u64,
        /// Username.
        pub username: Option<String>,
        /// E-mail address.
        pub email: Option<String>,
        /// Name.
        pub name: Option<String>,
        /// Where their picture is.
        pub avatar_url: Option<String>,
        /// The highest of the roles.
        pub role: RoleName,
        /// All roles, from the highest to the lowest.
        pub roles: Vec<RoleName>,
        /// The workspaces that the member is assigned to, in the order of their creation.
        pub workspaces: Vec<WorkspaceId>,
        /// When they joined; `null` for an invitation.
        pub joined_at: Option<Timestamp>,
        /// Member or invited.
        pub status: MemberStatus,
    }

    /// An invitation.
    pub struct OrgInvitation {
        /// Its id.
        pub id: InvitationId,
        /// A number for people, never reused in this organization.
        pub number: u64,
        /// The organization that invites.
        pub organization_id: OrganizationId,
        /// That organization's name.
        pub organization_name: String,
        /// The address, if it is one of e-mail.
        pub email: Option<String>,
        /// The username, if it is addressed to one.
        pub username: Option<String>,
        /// The name of who is invited.
        pub name: Option<String>,
        /// The highest of the roles.
        pub role: RoleName,
        /// The roles that accepting gives.
        pub roles: Vec<RoleName>,
        /// Open or expired.
        pub status: InvitationStatus,
        /// Who invited.
        pub invited_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// Until when it can be accepted.
        pub expires_at: Timestamp,
        /// What became of its mail; `null` if none is sent, and for whom it is addressed to.
        pub delivery: Option<Delivery>,
    }

    /// An invitation that was just made.
    pub struct OrgInvitationCreated {
        /// The invitation.
        pub invitation: OrgInvitation,
        /// Its one-time secret, shown this once.
        pub token: String,
    }

    /// A join code, without the code.
    pub struct OrgJoinCode {
        /// Its id.
        pub id: JoinCodeId,
        /// The organization that it leads to.
        pub organization_id: OrganizationId,
        /// The role that joining gives.
        pub role: RoleName,
        /// How often it may be used; `null`: without limit.
        pub max_uses: Option<u32>,
        /// How often it was used.
        pub uses: u64,
        /// Until when it can be used; `null`: without end.
        pub expires_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was revoked.
        pub revoked_at: Option<Timestamp>,
        /// Its last characters, to tell it from others.
        pub code_hint: String,
    }

    /// A join code that was just made.
    pub struct OrgJoinCodeCreated {
        /// The join code.
        pub join_code: OrgJoinCode,
        /// The code, shown this once.
        pub code: String,
    }

    /// An API token, without its secret.
    pub struct ApiToken {
        /// The public half, which names it.
        pub key: TokenKey,
        /// What it is for.
        pub name: Option<String>,
        /// Live or test.
        pub env: Environment,
        /// The last four characters of the secret.
        pub last_four: String,
        /// What it may do.
        pub permissions: Vec<String>,
        /// Who made it.
        pub created_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it ends; `null`: never by itself.
        pub expires_at: Option<Timestamp>,
        /// How often it may be presented; `null`: without limit.
        pub rate_limit: Option<RateLimit>,
        /// When it was last used, to the minute; `null`: never.
        pub last_used_at: Option<Timestamp>,
        /// When it was revoked.
        pub revoked_at: Option<Timestamp>,
        /// The secret before the present one, while it still works.
        pub previous_secret: Option<PreviousSecret>,
    }

    /// The secret of an API token that another one has replaced, and that works for a while yet.
    pub struct PreviousSecret {
        /// Its last four characters.
        pub last_four: String,
        /// Until when it works.
        pub valid_until: Timestamp,
        /// When it was last used, to the minute; `null`: never.
        pub last_used_at: Option<Timestamp>,
    }

    /// An API token that was just made. Its secret is shown this once.
    pub struct ApiTokenCreated {
        /// The public half.
        pub key: TokenKey,
        /// The secret half.
        pub secret: String,
        /// The last four characters of the secret.
        pub last_four: String,
        /// What to send as `Authorization: Bearer …`: `<key>:<secret>`.
        pub bearer: String,
    }
}

/// Whether somebody is a member or is invited to become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// A member.
    Active,
    /// Invited.
    Pending,
}

/// Whether an invitation can still be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum InvitationStatus {
    /// It can.
    Pending,
    /// It waited too long.
    Expired,
}

impl Organization {
    pub(crate) fn new(id: OrganizationId, organization: WholeOrganization) -> Result<Self, Error> {
        let WholeOrganization { row, profile } = organization;
        let ProfileRow {
            description,
            avatar_url,
            kind,
            country_code,
            country,
            state,
            city,
            address,
            timezone,
            email,
            metadata,
        } = profile;
        let metadata =
            if metadata.is_empty() { Map::new() } else { serde_json::from_str(&metadata).map_err(Error::internal)? };
        Ok(Self {
            id,
            number: row.number,
            name: row.name,
            slug: row.slug.to_string(),
            description,
            avatar_url,
            kind,
            status: row.status,
            status_reason: row.status_reason,
            owner: row.owners.into_iter().next(),
            country_code,
            country,
            state,
            city,
            address,
            timezone,
            email,
            metadata,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

/// The roles from the highest to the lowest, and the highest of them.
fn ranked(known: &Roles, roles: Vec<RoleName>) -> (RoleName, Vec<RoleName>) {
    let roles = known.ranked(roles);
    (roles.first().cloned().unwrap_or_else(RoleName::member), roles)
}

impl OrgMembership {
    pub(crate) fn new(
        id: OrganizationId,
        organization: WholeOrganization,
        member: MemberRow,
        known: &Roles,
    ) -> Result<Self, Error> {
        let permissions = known.registry().names(&known.union(&member.roles));
        let (role, roles) = ranked(known, member.roles);
        let organization = Organization::new(id, organization)?;
        Ok(Self { organization, role, roles, permissions, joined_at: member.joined_at })
    }
}

impl OrgMember {
    /// Of the member's workspaces, those among `living` are shown, in the order of their numbers.
    pub(crate) fn member(
        user: UserId,
        number: u64,
        row: MemberRow,
        known: &Roles,
        living: &BTreeMap<WorkspaceId, u64>,
    ) -> Self {
        let (role, roles) = ranked(known, row.roles);
        let mut workspaces = row.workspaces;
        workspaces.retain(|workspace| living.contains_key(workspace));
        workspaces.sort_by_key(|workspace| living.get(workspace));
        Self {
            user_id: Some(user),
            number,
            username: row.username.map(|username| username.to_string()),
            email: row.email.map(|email| email.to_string()),
            name: row.name,
            avatar_url: row.avatar_url,
            role,
            roles,
            workspaces,
            joined_at: Some(row.joined_at),
            status: MemberStatus::Active,
        }
    }

    pub(crate) fn invited(row: InvitationRow, known: &Roles) -> Self {
        let (role, roles) = ranked(known, row.roles);
        Self {
            user_id: None,
            number: row.number,
            username: row.address.as_username().map(str::to_owned),
            email: row.address.as_email().map(str::to_owned),
            name: row.name,
            avatar_url: None,
            role,
            roles,
            workspaces: Vec::new(),
            joined_at: None,
            status: MemberStatus::Pending,
        }
    }
}

impl OrgInvitation {
    pub(crate) fn new(
        id: InvitationId,
        organization: (OrganizationId, &str),
        row: InvitationRow,
        known: &Roles,
        now: Timestamp,
    ) -> Self {
        let (role, roles) = ranked(known, row.roles);
        Self {
            id,
            number: row.number,
            organization_id: organization.0,
            organization_name: organization.1.to_owned(),
            email: row.address.as_email().map(str::to_owned),
            username: row.address.as_username().map(str::to_owned),
            name: row.name,
            role,
            roles,
            status: if row.expires_at <= now { InvitationStatus::Expired } else { InvitationStatus::Pending },
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            delivery: row.mailing.and_then(|mailing| mailing.delivery),
        }
    }
}

impl OrgJoinCode {
    pub(crate) fn new(
        id: JoinCodeId,
        organization_id: OrganizationId,
        row: JoinCodeRow,
        uses: i64,
        known: &Roles,
    ) -> Self {
        Self {
            id,
            organization_id,
            role: ranked(known, vec![row.role]).0,
            max_uses: row.max_uses,
            uses: u64::try_from(uses).unwrap_or(0),
            expires_at: row.expires_at,
            created_by: row.created_by,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            code_hint: row.hint,
        }
    }
}

impl ApiTokenCreated {
    pub(crate) fn new(key: TokenKey, secret: &ApiTokenSecret) -> Self {
        let last_four = secret.last_four();
        let secret = secret.plain().expose().to_owned();
        let bearer = format!("{key}:{secret}");
        Self { key, secret, last_four, bearer }
    }
}

impl ApiToken {
    pub(crate) fn new(key: TokenKey, row: TokenRow, used: &UsedRow, registry: &Registry, now: Timestamp) -> Self {
        let previous_secret = row.overlapping(now).map(|previous| PreviousSecret {
            last_four: previous.last_four.clone(),
            valid_until: previous.valid_until,
            last_used_at: used.by(&previous.secret),
        });
        Self {
            key,
            previous_secret,
            name: row.name,
            env: key.environment(),
            last_four: row.last_four,
            permissions: registry.registered(&row.permissions),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            rate_limit: row.rate_limit,
            last_used_at: used.last,
            revoked_at: row.revoked_at,
        }
    }
}
