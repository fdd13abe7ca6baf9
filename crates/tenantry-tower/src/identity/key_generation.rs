//! Whether what a set of keys has verified still counts.
//!
//! What a token tells is remembered, and so is what it was resolved to. Both look here before they are told again: a
//! key that its issuer has withdrawn verifies nothing any more, and neither do keys that are too old to be believed.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use tenantry_core::values::clock::Timestamp;

/// The standing of a set of keys, which may be replaced.
#[derive(Debug)]
pub(crate) struct KeyGenerations {
    /// Rises when a key disappears.
    generation: AtomicU64,
    /// In milliseconds since 1970.
    believed_until: AtomicI64,
}

impl KeyGenerations {
    /// Of keys that stay for ever.
    pub(crate) fn lasting() -> Arc<Self> {
        Arc::new(Self { generation: AtomicU64::new(0), believed_until: AtomicI64::new(i64::MAX) })
    }

    /// Of keys that are not there yet.
    #[cfg(feature = "jwks")]
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self { generation: AtomicU64::new(0), believed_until: AtomicI64::new(i64::MIN) })
    }

    /// From now on, what keys of another generation have verified does not count.
    #[cfg(feature = "jwks")]
    pub(crate) fn renew(&self, generation: u64, believed_until: Timestamp) {
        self.generation.store(generation, Ordering::Release);
        self.believed_until.store(believed_until.as_millis(), Ordering::Release);
    }
}

/// Says that keys of a certain generation have verified a token.
#[derive(Debug, Clone)]
pub(crate) struct SignedBy {
    generations: Arc<KeyGenerations>,
    generation: u64,
}

impl SignedBy {
    pub(crate) fn new(generations: &Arc<KeyGenerations>, generation: u64) -> Self {
        Self { generations: generations.clone(), generation }
    }

    /// Whether the keys are still those.
    pub(crate) fn stands(&self) -> bool {
        self.generations.generation.load(Ordering::Acquire) == self.generation
    }

    /// When the keys are too old to be believed, as of now.
    pub(crate) fn believed_until(&self) -> Timestamp {
        Timestamp::from_millis(self.generations.believed_until.load(Ordering::Acquire))
    }
}
