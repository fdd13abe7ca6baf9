//! Builds an engine.

use std::sync::{Arc, RwLock};

use super::{Engine, Inner};
use crate::{
    access::registry::Registry,
    engine::{rate_limiter::RateLimiter, token_use::RecentUses},
    host::Host,
    store::{Store, outage::Reported},
    values::{clock::Clock, entropy::Entropy},
};

/// Builds an [`Engine`].
#[derive(Debug)]
pub struct EngineBuilder {
    pub(super) store: Arc<dyn Store>,
    pub(super) registry: Registry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) host: Host,
}

impl EngineBuilder {
    /// Sets the clock. The default is the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of randomness. The default is the system's.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Sets the host's policies and callbacks.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Builds the engine.
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
