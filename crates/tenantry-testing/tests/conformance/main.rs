//! Every store keeps the contract, and what is peculiar to each of them.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod cluster_faults;
mod disk_full;
mod embedded;
mod partitions;
mod reader;
mod redis_access;
mod redis_cluster;
mod redis_faults;
mod redis_sentinels;
mod redis_settings;
mod redis_store;

use std::sync::Arc;

use tenantry_core::store::{Index, Store};
use tenantry_testing::conformance;

/// An index that tests use.
const INDEX: Index = Index::new("index", 1);

/// Runs the whole kit, the checks side by side, and reports all that fail.
async fn conforms(nodes: Vec<Arc<dyn Store>>, scope: &'static str) {
    let running: Vec<_> = conformance::checks()
        .into_iter()
        .map(|check| {
            let nodes = nodes.clone();
            (check.name(), tokio::spawn(async move { check.run(&nodes, scope).await }))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, check) in running {
        if check.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}; their messages are above");
}
