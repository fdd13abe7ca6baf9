use std::{
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret in the clear. It does not print, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Plain(Zeroizing<String>);

impl Plain {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself. The caller is responsible for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The hash, which is what a store keeps.
    #[must_use]
    pub fn hashed(&self) -> Hashed {
        Hashed::of(&self.0)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(…)")
    }
}

/// The SHA-256 of a secret, which is all that a store keeps of it.
///
/// A plain hash is enough because every secret here is random with at least 60 bits: there is no dictionary to try.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hashed([u8; 32]);

impl Hashed {
    /// The hash of `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The first 64 bits of the hash.
    pub(crate) fn number(&self) -> u64 {
        // The hash is longer than that, so the default never applies.
        self.0.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }

    /// The last 96 bits of the hash in 17 digits of base62: enough that no two on a platform are the same.
    pub(crate) fn tag(&self) -> String {
        crate::values::base62::encode(&self.0[self.0.len() - 12..], 17)
    }

    /// The hash in base62, for names of rows in a store.
    #[must_use]
    pub(crate) fn to_base62(&self) -> String {
        crate::values::base62::encode(&self.0, 43)
    }
}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Compares in constant time.
impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Hashed {}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_form_prints() {
        let plain = Plain::new("ts_do-not-print".to_owned());
        let printed = format!("{plain:?} {:?}", plain.hashed());
        assert_eq!(printed, "Plain(…) Hashed(…)");
        assert_eq!(plain.hashed(), Hashed::of("ts_do-not-print"));
        assert_ne!(plain.hashed(), Hashed::of("ts_do-not-prinT"));
    }
}
