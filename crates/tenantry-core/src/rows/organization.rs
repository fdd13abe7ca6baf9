//! The rows of an organization itself.

use serde::{Deserialize, Serialize};

use super::{Intent, Nested, decode, words};
use crate::values::{
    clock::Timestamp,
    error::{Error, ErrorKind},
    ids::{OrganizationId, UserId},
    principal::Principal,
    slug::Slug,
};

/// The part of an organization that every operation in it reads. Its profile is a [`ProfileRow`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationRow {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) slug: Slug,
    pub(crate) slug_intent: Intent,
    /// In the order in which they became owners.
    pub(crate) owners: Vec<UserId>,
    pub(crate) status: Status,
    pub(crate) status_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Grows with each change of the profile as well.
    pub(crate) version: u64,
    /// The intent of the attempt that wrote the entry by name in the search index.
    #[serde(default)]
    pub(crate) name_intent: Intent,
    /// The intent of the attempt that wrote the entry by creation time in the search index.
    #[serde(default)]
    pub(crate) created_intent: Intent,
}

impl OrganizationRow {
    /// Refuses an organization that is not active.
    pub(crate) fn require_active(&self) -> Result<(), Error> {
        match self.status {
            Status::Active => Ok(()),
            Status::Inactive | Status::Suspended => {
                Err(Error::new(ErrorKind::OrganizationSuspended, "the organization is not active: ask its operator"))
            }
        }
    }
}

/// What is left of an organization that was deleted, until everything of it is removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GoneRow {
    /// The organization's row as it last was.
    pub(crate) organization: Nested<OrganizationRow>,
    #[serde(with = "words::principal")]
    pub(crate) by: Principal,
    pub(crate) at: Timestamp,
}

/// An organization with its profile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WholeOrganization {
    pub(crate) row: OrganizationRow,
    pub(crate) profile: ProfileRow,
}

impl WholeOrganization {
    /// Decodes the values of [`keys::organization`] and [`keys::profile`].
    pub(crate) fn read(row: Option<&[u8]>, profile: Option<&[u8]>) -> Result<Option<Self>, Error> {
        let Some(row) = row else { return Ok(None) };
        Self::with(decode(row)?, profile).map(Some)
    }

    /// Combines the row with the value of [`keys::profile`].
    pub(crate) fn with(row: OrganizationRow, profile: Option<&[u8]>) -> Result<Self, Error> {
        let profile = profile.map(decode).transpose()?.unwrap_or_default();
        Ok(Self { row, profile })
    }
}

/// What an organization says about itself. An organization that says nothing has no such row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProfileRow {
    pub(crate) description: String,
    pub(crate) avatar_url: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) country_code: String,
    pub(crate) country: String,
    pub(crate) state: String,
    pub(crate) city: String,
    pub(crate) address: String,
    pub(crate) timezone: String,
    pub(crate) email: String,
    /// A JSON object as text; empty for `{}`.
    pub(crate) metadata: String,
}

/// Whether an organization may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// In use.
    Active,
    /// Put aside.
    Inactive,
    /// Closed by the platform.
    Suspended,
}

impl Status {
    /// The status as the wire spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }
}

/// In a slug's shard: which organization claims it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlugClaimRow {
    pub(crate) organization: OrganizationId,
    pub(crate) intent: Intent,
}
