use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Hashed, Plain, checksum, random_text, without_checksum};
use crate::{
    base62,
    entropy::{Entropy, EntropyError, bytes},
    ids::OrganizationId,
    limits,
};

/// Matches the key of an API token, and nothing else.
pub const KEY_PATTERN: &str = r"\btk_(live|test)_[0-9A-Za-z]{33}\b";

/// Matches the secret of an API token; [`looks_like_a_secret`] tells a real one from a chance match.
pub const SECRET_PATTERN: &str = r"\bts_[0-9A-Za-z]{49}\b";

/// What an API token may be used for, as its prefix tells everyone who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
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

/// The public half of an API token. It names the organization that owns it, so that no index is needed to find it.
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

    /// The key of the token that `id` tells from all others of the organization.
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

    /// What tells the token from others of its organization.
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

/// The secret half of an API token: `ts_`, 43 characters of randomness, 6 of checksum.
#[derive(Debug, Clone)]
pub struct ApiTokenSecret(Plain);

impl ApiTokenSecret {
    /// A new secret.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let body = format!("ts_{}", random_text(entropy)?);
        Ok(Self(Plain::new(format!("{body}{}", checksum(&body)))))
    }

    /// What a caller presented as a secret, of whatever form; `None` if it is too long to be one.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        (text.len() <= limits::CREDENTIAL_BYTES_MAX).then(|| Self(Plain::new(text.to_owned())))
    }

    /// The secret in the clear, to be shown once.
    #[must_use]
    pub fn plain(&self) -> &Plain {
        &self.0
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn hashed(&self) -> Hashed {
        self.0.hashed()
    }

    /// The last four characters, by which a person tells one token from another.
    #[must_use]
    pub fn last_four(&self) -> String {
        let text = self.0.expose();
        text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

/// Tells, without asking anybody, whether `text` was made as the secret of an API token: for scanners of leaked
/// secrets.
///
/// ```
/// use tenantry_core::{entropy::SystemEntropy, secret::{ApiTokenSecret, looks_like_a_secret}};
///
/// let secret = ApiTokenSecret::new(&SystemEntropy)?;
/// assert!(looks_like_a_secret(secret.plain().expose()));
/// assert!(!looks_like_a_secret("ts_0000000000000000000000000000000000000000000000000"));
/// # Ok::<(), tenantry_core::entropy::EntropyError>(())
/// ```
#[must_use]
pub fn looks_like_a_secret(text: &str) -> bool {
    text.len() == 52
        && text.starts_with("ts_")
        && text.bytes().skip(3).all(|byte| byte.is_ascii_alphanumeric())
        && without_checksum(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, entropy::SystemEntropy};

    #[test]
    fn a_key_tells_its_organization_and_comes_back() {
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

    #[test]
    fn one_wrong_character_is_noticed_offline() {
        let secret = ApiTokenSecret::new(&SystemEntropy).unwrap();
        let text = secret.plain().expose();
        assert!(looks_like_a_secret(text));
        let flipped = if text.ends_with('0') { '1' } else { '0' };
        assert!(!looks_like_a_secret(&format!("{}{flipped}", &text[..51])));
        assert_eq!(secret.last_four(), text[48..]);
    }
}
