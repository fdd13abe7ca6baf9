//! Every store keeps the contract, and what is peculiar to each of them.

mod embedded;
mod redis_faults;
mod redis_store;

use std::sync::Arc;

use tenantry_core::store::Store;
use tenantry_testing::conformance;

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
