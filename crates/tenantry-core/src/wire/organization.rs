//! Organizations, and what somebody is in one.

use serde_json::{Map, Value};

use super::{output, ranked};
use crate::{
    access::roles::Roles,
    rows::{MemberRow, ProfileRow, Status, WholeOrganization},
    values::{
        clock::Timestamp,
        error::Error,
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
};

output! {
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
