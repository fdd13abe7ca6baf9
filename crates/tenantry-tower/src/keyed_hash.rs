//! Hashes with keys that nobody outside of this process knows.
//!
//! A credential is found by such a hash and is not kept itself. 128 bits, and keys that are drawn anew at each start,
//! leave nobody a way to make one credential pass for another. SipHash-1-3 rather than 2-4: nobody outside sees a
//! hash, a JWT is long, and every request hashes one.

use std::hash::{BuildHasher, Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};
use tenantry_core::values::entropy::{Entropy, EntropyError};

/// The keys of this process.
#[derive(Clone, Copy)]
pub(crate) struct KeyedHash(SipHasher13);

/// A hash in the making.
pub(crate) struct Hashing(SipHasher13);

impl KeyedHash {
    pub(crate) fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = [0; 16];
        entropy.fill(&mut key)?;
        Ok(Self(SipHasher13::new_with_key(&key)))
    }

    pub(crate) fn begin(&self) -> Hashing {
        Hashing(self.0)
    }

    /// The hash of `subject`.
    pub(crate) fn long(&self, subject: impl Hash) -> u128 {
        let mut hasher = self.0;
        subject.hash(&mut hasher);
        hasher.finish128().as_u128()
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

/// The key of the table is a hash of [`KeyedHash`] already: hashing it again would add nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PassThrough;

/// The lower half of one `u128`.
#[derive(Debug, Default)]
pub(crate) struct LowerHalf(u64);

impl BuildHasher for PassThrough {
    type Hasher = LowerHalf;

    fn build_hasher(&self) -> LowerHalf {
        LowerHalf::default()
    }
}

impl Hasher for LowerHalf {
    fn write(&mut self, bytes: &[u8]) {
        let (lower, _) = bytes.split_at(bytes.len().min(size_of::<u64>()));
        let mut whole = [0; size_of::<u64>()];
        whole[..lower.len()].copy_from_slice(lower);
        self.0 = u64::from_ne_bytes(whole);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use tenantry_core::values::entropy::SystemEntropy;

    use super::*;

    #[test]
    fn parts_do_not_run_into_one_another() {
        let keyed = KeyedHash::new(&SystemEntropy).unwrap();
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
        let other = KeyedHash::new(&SystemEntropy).unwrap();
        assert_ne!(keyed.short("acme"), other.short("acme"));
    }
}
