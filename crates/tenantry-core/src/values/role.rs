//! The names of roles.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::values::limits;

/// The name of a role: a lower-case letter, then lower-case letters, digits, `-` and `_`; at most 48 characters.
///
/// The prefix `host.` says that the role is the one that the host registered, even where an organization has given the
/// name to a role of its own. Nobody can register or define a role whose name begins so. The rows of a store and the
/// audit log name the host's roles in this way; everywhere else people are shown the plain name, unless it means
/// another role there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleName(Arc<str>);

impl RoleName {
    /// Holds every permission, always.
    pub const OWNER: &'static str = "owner";
    /// Holds every permission but `org:delete`, and has no power over owners.
    pub const ADMIN: &'static str = "admin";
    /// Holds `org:view` and `members:view`, and what the host grants to every member.
    pub const MEMBER: &'static str = "member";
    /// The prefix of the name of a role that the host registered, where it has to be told apart from an organization's
    /// own.
    pub const OF_HOST: &'static str = "host.";

    /// The role of that name.
    pub fn new(name: &str) -> Result<Self, InvalidRoleName> {
        let plain = name.strip_prefix(Self::OF_HOST).unwrap_or(name);
        let well_formed = plain.len() <= limits::ROLE_CHARS_MAX
            && plain.starts_with(|first: char| first.is_ascii_lowercase())
            && plain.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if well_formed { Ok(Self(name.into())) } else { Err(InvalidRoleName) }
    }

    /// The role `owner`.
    #[must_use]
    pub fn owner() -> Self {
        Self(Self::OWNER.into())
    }

    /// The role `admin`.
    #[must_use]
    pub fn admin() -> Self {
        Self(Self::ADMIN.into())
    }

    /// The role `member`.
    #[must_use]
    pub fn member() -> Self {
        Self(Self::MEMBER.into())
    }

    /// Whether this is the role `owner`.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        &*self.0 == Self::OWNER
    }

    /// Whether this is one of the roles that every Tenantry has.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(&*self.0, Self::OWNER | Self::ADMIN | Self::MEMBER)
    }

    /// The plain name, if this name has the prefix of the host's roles.
    #[must_use]
    pub fn plain_of_host(&self) -> Option<&str> {
        self.0.strip_prefix(Self::OF_HOST)
    }

    /// The role that the host registered by this plain name.
    pub(crate) fn of_host(plain: &str) -> Self {
        Self(format!("{}{plain}", Self::OF_HOST).into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RoleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleName({})", self.0)
    }
}

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The text cannot name a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a role: a lower-case letter, then lower-case letters, digits, - and _, at most 48; \
     or host. and the name of one that the host registered"
)]
pub struct InvalidRoleName;

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for RoleName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^(host\.)?[a-z][a-z0-9_-]{0,47}$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for RoleName {}
