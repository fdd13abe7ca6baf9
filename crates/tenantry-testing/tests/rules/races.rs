//! The race kit.

use tenantry_core::engine::Engine;
use tenantry_testing::{
    race,
    redis_server::{RedisCluster, RedisServer},
};

/// How many rounds of each race; more by the environment variable `TENANTRY_RACE_ROUNDS`.
fn rounds(default: usize) -> usize {
    std::env::var("TENANTRY_RACE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(default)
}

/// All races, or those whose name has the text of the environment variable `TENANTRY_RACES` in it.
fn chosen() -> impl Iterator<Item = race::Race> {
    let name = std::env::var("TENANTRY_RACES").unwrap_or_default();
    race::races().into_iter().filter(move |race| race.name().contains(&name))
}

/// Runs the races side by side, and reports all that fail.
async fn hold(nodes: Vec<Engine>, rounds: usize) {
    let running: Vec<_> = chosen()
        .map(|race| {
            let nodes = nodes.clone();
            (race.name(), tokio::spawn(async move { race.run(&nodes, rounds).await }))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, race) in running {
        if race.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}; their messages are above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hold_in_memory() {
    let node = crate::in_memory();
    hold(vec![node.clone(), crate::engine(node.store().clone())], rounds(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hold_on_redis() {
    let nodes = vec![crate::engine(crate::redis("races").await), crate::engine(crate::redis("races").await)];
    hold(nodes, rounds(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hold_on_a_cluster() {
    let url = RedisCluster::shared().url();
    let nodes = [crate::redis_at(&url, "races").await, crate::redis_at(&url, "races").await];
    hold(nodes.map(crate::engine).to_vec(), rounds(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hold_on_valkey() {
    let Some(server) = RedisServer::start_valkey(&[]) else { return };
    let url = server.store_url();
    let nodes = [crate::redis_at(&url, "races").await, crate::redis_at(&url, "races").await];
    hold(nodes.map(crate::engine).to_vec(), rounds(3)).await;
}
