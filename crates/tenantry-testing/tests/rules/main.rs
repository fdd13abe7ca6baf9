//! The rules of the domain hold on every store: one at a time, as the model says, and when many act at once.

mod races;
mod refusals;

use std::sync::Arc;

use tenantry_core::{engine::Engine, registry::Registry, store::Store};
use tenantry_embedded::EmbeddedStore;

/// An engine with nothing registered but what is built in.
fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Registry::builder().build().unwrap())
}

/// An engine over an empty store in memory.
fn in_memory() -> Engine {
    engine(Arc::new(EmbeddedStore::in_memory().unwrap()))
}
