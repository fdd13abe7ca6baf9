//! The model.

use std::sync::Arc;

use tenantry_embedded::EmbeddedStore;
use tenantry_testing::model;
use tokio::runtime::{Builder, Runtime};

/// How many sequences; another number by proptest's own environment variable.
fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads can be had")
}

#[test]
fn agrees_in_memory() {
    model::agrees(runtime().handle(), cases(512), |clock| {
        Arc::new(EmbeddedStore::in_memory_with_clock(clock).expect("memory can be had"))
    });
}

#[test]
fn agrees_on_redis() {
    let runtime = runtime();
    let store = runtime.block_on(crate::redis("model"));
    model::agrees(runtime.handle(), cases(128), |_| store.clone());
}
