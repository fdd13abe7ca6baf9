//! Hashes with keys that nobody outside of this process knows.
//!
//! A credential is found by such a hash and is not kept itself. 128 bits, and keys that are drawn anew at each start,
//! leave nobody a way to make one credential pass for another. SipHash-1-3 rather than 2-4: nobody outside sees a
//! hash, a JWT is long, and every request hashes one.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};
use tenantry_core::entropy::{Entropy, EntropyError};

/// The keys of this process.
#[derive(Clone, Copy)]
pub(crate) struct Keyed(SipHasher13);

/// A hash in the making.
pub(crate) struct Hashing(SipHasher13);

impl Keyed {
    pub(crate) fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = [0; 16];
        entropy.fill(&mut key)?;
        Ok(Self(SipHasher13::new_with_key(&key)))
    }

    pub(crate) fn begin(&self) -> Hashing {
        Hashing(self.0)
    }

    /// 64 bits of the hash of `subject`.
    pub(crate) fn short(&self, subject: impl Hash) -> u64 {
        let mut hasher = self.0;
        subject.hash(&mut hasher);
        hasher.finish128().h1
    }
}

impl Hashing {
    /// Adds a part, or its absence; no two sequences of parts look the same.
    pub(crate) fn add(&mut self, part: Option<&[u8]>) {
        match part {
            Some(bytes) => {
                self.0.write_u64(bytes.len() as u64);
                self.0.write(bytes);
            }
            None => self.0.write_u64(u64::MAX),
        }
    }

    pub(crate) fn end(&self) -> u128 {
        self.0.finish128().as_u128()
    }
}

#[cfg(test)]
mod tests {
    use tenantry_core::entropy::SystemEntropy;

    use super::*;

    #[test]
    fn parts_do_not_run_into_one_another() {
        let keyed = Keyed::new(&SystemEntropy).unwrap();
        let hash = |parts: &[Option<&[u8]>]| {
            let mut hashing = keyed.begin();
            for part in parts {
                hashing.add(*part);
            }
            hashing.end()
        };
        assert_eq!(hash(&[Some(b"ab"), None]), hash(&[Some(b"ab"), None]));
        assert_ne!(hash(&[Some(b"ab"), None]), hash(&[Some(b"a"), Some(b"b")]));
        assert_ne!(hash(&[Some(b""), None]), hash(&[None, Some(b"")]));
        let other = Keyed::new(&SystemEntropy).unwrap();
        assert_ne!(keyed.short("acme"), other.short("acme"));
    }
}
