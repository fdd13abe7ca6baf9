//! The keys of which one must have signed a token.

use jsonwebtoken::{Algorithm, DecodingKey, crypto::CryptoProvider};

use super::token::Token;
use crate::BuildError;

/// A key that can be used, for its one algorithm.
pub(super) struct VerificationKey {
    algorithm: Algorithm,
    kid: Option<String>,
    key: DecodingKey,
}

impl VerificationKey {
    /// `None` if the key is not one of that algorithm.
    pub(super) fn new(
        provider: &CryptoProvider,
        algorithm: Algorithm,
        kid: Option<String>,
        key: DecodingKey,
    ) -> Option<Self> {
        (provider.verifier_factory)(&algorithm, &key).is_ok().then_some(Self { algorithm, kid, key })
    }
}

/// What a set of keys says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyCheck {
    /// One of the keys signed it.
    Signed,
    /// The key that it names is there and did not sign it.
    Forged,
    /// The key that it names is not there, or it names none and none signed it.
    Unknown,
}

/// The keys that are believed together.
pub(super) struct KeySet {
    provider: &'static CryptoProvider,
    keys: Vec<VerificationKey>,
}

impl KeySet {
    pub(super) fn new(provider: &'static CryptoProvider, keys: Vec<VerificationKey>) -> Self {
        Self { provider, keys }
    }

    /// Whether one of the keys that the token may mean signed it.
    pub(super) fn look(&self, token: &Token<'_>) -> KeyCheck {
        let header = &token.header;
        let signed = self
            .keys
            .iter()
            .filter(|key| {
                key.algorithm == header.algorithm
                    && (header.kid.is_none() || key.kid.is_none() || key.kid == header.kid)
            })
            .filter_map(|key| (self.provider.verifier_factory)(&key.algorithm, &key.key).ok())
            .any(|verifier| verifier.verify(token.message.as_bytes(), &token.signature).is_ok());
        if signed {
            KeyCheck::Signed
        } else if header.kid.is_some() && self.keys.iter().any(|key| key.kid == header.kid) {
            KeyCheck::Forged
        } else {
            KeyCheck::Unknown
        }
    }

    pub(super) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.keys.iter().map(|key| key.algorithm)
    }
}

/// The backend that verifies.
///
/// It is named here and not left to jsonwebtoken's process-wide choice, which panics when both are enabled.
pub(super) fn provider() -> Result<&'static CryptoProvider, BuildError> {
    #[cfg(feature = "aws_lc_rs")]
    let provider: Option<&CryptoProvider> = Some(&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER);
    #[cfg(all(feature = "rust_crypto", not(feature = "aws_lc_rs")))]
    let provider: Option<&CryptoProvider> = Some(&jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER);
    #[cfg(not(any(feature = "aws_lc_rs", feature = "rust_crypto")))]
    let provider: Option<&CryptoProvider> = None;
    provider.ok_or_else(|| {
        BuildError::new(
            "tenantry-tower was built without a backend to verify JWTs: enable its feature aws_lc_rs or rust_crypto"
                .to_owned(),
        )
    })
}
