//! On whose behalf something is done.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::values::{host_actor::HostActor, ids::UserId, token_key::TokenKey};

/// The one on whose behalf something is done, as a `Tenant` and the audit log name them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum Principal {
    /// A user, by a JWT.
    User(UserId),
    /// An API token that an organization owns.
    ApiToken(TokenKey),
    /// A user whose JWT says that they administer the platform.
    PlatformAdmin(UserId),
    /// The host's own code, by the name that it gives itself.
    Host(HostActor),
}

impl Principal {
    /// The word for its kind: `user`, `apiToken`, `platformAdmin` or `host`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiToken(_) => "apiToken",
            Self::PlatformAdmin(_) => "platformAdmin",
            Self::Host(_) => "host",
        }
    }

    /// The user's id, the token's key, or the name by which the host's code acts.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::User(user) | Self::PlatformAdmin(user) => user.to_string(),
            Self::ApiToken(key) => key.to_string(),
            Self::Host(actor) => actor.to_string(),
        }
    }

    /// The user; `None` for an API token and for the host's own code.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(user) | Self::PlatformAdmin(user) => Some(user),
            Self::ApiToken(_) | Self::Host(_) => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}
