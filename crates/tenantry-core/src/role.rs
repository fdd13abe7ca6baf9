//! The names of roles.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits;

/// The name of a role: a lower-case letter, then lower-case letters, digits, `-` and `_`; at most 48 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleName(Arc<str>);

impl RoleName {
    /// Everything, always.
    pub const OWNER: &'static str = "owner";
    /// Everything but `org:delete`, and no power over owners.
    pub const ADMIN: &'static str = "admin";
    /// `org:view` and `members:view`, and what the host grants to every member.
    pub const MEMBER: &'static str = "member";

    /// The role of that name.
    pub fn new(name: &str) -> Result<Self, InvalidRoleName> {
        let well_formed = name.len() <= limits::ROLE_CHARS_MAX
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
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
#[error("expected the name of a role: a lower-case letter, then lower-case letters, digits, - and _, at most 48")]
pub struct InvalidRoleName;

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for RoleName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[a-z][a-z0-9_-]{0,47}$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for RoleName {}
