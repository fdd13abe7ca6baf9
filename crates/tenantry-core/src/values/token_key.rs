//! The public half of an API token.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::values::{
    base62,
    entropy::{Entropy, EntropyError, bytes},
    ids::OrganizationId,
};

/// Matches the key of an API token, and nothing else.
pub const KEY_PATTERN: &str = r"\btk_(live|test)_[0-9A-Za-z]{33}\b";

/// What an API token may be used for, as its prefix tells everyone who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Environment {
    /// Real data.
    #[default]
    Live,
    /// Trials.
    Test,
}

impl Environment {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "tk_live_",
            Self::Test => "tk_test_",
        }
    }
}

/// The public half of an API token. It contains the id of the organization that owns it, so that no index is needed to
/// find it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    environment: Environment,
    organization: OrganizationId,
    id: [u8; 8],
}

impl TokenKey {
    /// The key of a new token.
    pub fn new(
        environment: Environment,
        organization: OrganizationId,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        Ok(Self::from_parts(environment, organization, bytes(entropy)?))
    }

    /// The key of a token; `id` distinguishes it from all others of the organization.
    #[must_use]
    pub const fn from_parts(environment: Environment, organization: OrganizationId, id: [u8; 8]) -> Self {
        Self { environment, organization, id }
    }

    /// The organization that owns the token.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// What the token may be used for.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The part of the key that distinguishes the token from others of its organization.
    pub(crate) fn short(&self) -> String {
        let kind = match self.environment {
            Environment::Live => 'l',
            Environment::Test => 't',
        };
        format!("{kind}{}", base62::encode(&self.id, 11))
    }

    /// Undoes [`short`](Self::short).
    pub(crate) fn from_short(organization: OrganizationId, text: &str) -> Option<Self> {
        let environment = match text.as_bytes().first()? {
            b'l' => Environment::Live,
            b't' => Environment::Test,
            _ => return None,
        };
        Some(Self { environment, organization, id: base62::decode(text.get(1..)?)? })
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.environment.prefix(), self.organization.to_base62(), base62::encode(&self.id, 11))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({self})")
    }
}

impl FromStr for TokenKey {
    type Err = InvalidTokenKey;

    fn from_str(text: &str) -> Result<Self, InvalidTokenKey> {
        let environment = [Environment::Live, Environment::Test]
            .into_iter()
            .find(|environment| text.starts_with(environment.prefix()))
            .ok_or(InvalidTokenKey)?;
        let rest = &text[environment.prefix().len()..];
        if rest.len() != 33 || !rest.is_ascii() {
            return Err(InvalidTokenKey);
        }
        let organization = OrganizationId::from_base62(&rest[..22]).ok_or(InvalidTokenKey)?;
        let id = base62::decode(&rest[22..]).ok_or(InvalidTokenKey)?;
        Ok(Self { environment, organization, id })
    }
}

impl Serialize for TokenKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for TokenKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^tk_(live|test)_[0-9A-Za-z]{33}$"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for TokenKey {}

/// The text is not the key of an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the key of an API token: tk_live_ or tk_test_ and 33 letters or digits")]
pub struct InvalidTokenKey;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{clock::Timestamp, entropy::SystemEntropy};

    #[test]
    fn a_key_contains_its_organization_and_is_read_as_it_was_written() {
        let organization = OrganizationId::from_parts(Timestamp::from_millis(5), [1; 10]);
        let key = TokenKey::new(Environment::Test, organization, &SystemEntropy).unwrap();
        let text = key.to_string();
        assert_eq!(text.len(), 41);
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(TokenKey::from_short(organization, &key.short()), Some(key));
        assert_eq!(key.organization(), organization);
        for wrong in ["", "tk_live_", &text[1..], &format!("{text}0"), &text.replace("test", "best")] {
            assert_eq!(wrong.parse::<TokenKey>(), Err(InvalidTokenKey), "{wrong}");
        }
        assert_eq!(format!("tk_live_{}é", "0".repeat(31)).parse::<TokenKey>(), Err(InvalidTokenKey));
    }
}
