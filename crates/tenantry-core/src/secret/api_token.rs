use super::{Hashed, Plain, checksum, random_text, without_checksum};
use crate::values::{
    entropy::{Entropy, EntropyError},
    limits,
};

/// Matches the secret of an API token; [`looks_like_a_secret`] tells a real one from a chance match.
pub const SECRET_PATTERN: &str = r"\bts_[0-9A-Za-z]{49}\b";

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

    /// The hash, which is what a store keeps.
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

/// Whether `text` was made as the secret of an API token, judged by its checksum alone: for scanners of leaked secrets.
///
/// ```
/// use tenantry_core::{values::entropy::SystemEntropy, secret::{ApiTokenSecret, looks_like_a_secret}};
///
/// let secret = ApiTokenSecret::new(&SystemEntropy)?;
/// assert!(looks_like_a_secret(secret.plain().expose()));
/// assert!(!looks_like_a_secret("ts_0000000000000000000000000000000000000000000000000"));
/// # Ok::<(), tenantry_core::values::entropy::EntropyError>(())
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
    use crate::values::entropy::SystemEntropy;

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
