//! Puts an engine together.

use std::sync::{Arc, RwLock};

use super::{Engine, Inner};
use crate::{
    access::registry::Registry,
    engine::{rate_limiter::RateLimiter, token_use::RecentUses},
    host::Host,
    store::{Store, outage::Reported},
    values::{clock::Clock, entropy::Entropy},
};

/// Puts an [`Engine`] together.
#[derive(Debug)]
pub struct EngineBuilder {
    pub(super) store: Arc<dyn Store>,
    pub(super) registry: Registry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) host: Host,
}

impl EngineBuilder {
    /// The clock: the system's unless set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of randomness: the system's unless set.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// The host's policies.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// The engine.
    #[must_use]
    pub fn build(self) -> Engine {
        let Self { store, registry, clock, entropy, host } = self;
        let store = Reported::new(store, clock.clone());
        Engine(Arc::new(Inner {
            dead: store.dead(),
            store: Arc::new(store),
            registry,
            clock,
            entropy,
            host,
            made: Arc::default(),
            rate_limiter: RateLimiter::default(),
            uses: RecentUses::default(),
            observers: RwLock::default(),
        }))
    }
}
