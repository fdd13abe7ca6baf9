//! The rules of the domain hold on every store: one at a time, as the model says, and when many act at once.

mod cuts;
mod disk_faults;
mod entries;
mod jobs;
mod log;
mod lost_second;
mod mails;
mod meddled;
mod model;
mod policies;
mod races;
mod refusals;
mod removal;
mod repair;
mod round_trips;
mod scale;
mod search;
mod search_moves;
mod server_faults;
mod versions;

use std::{sync::Arc, time::Duration};

use tenantry_core::{
    access::registry::Registry,
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    store::Store,
};
use tenantry_embedded::EmbeddedStore;
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::{
    actors,
    redis_server::{NAMESPACE, RedisServer},
};

/// An engine with nothing registered but what is built in.
fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Registry::builder().build().expect("what is built in fits together"))
}

/// An engine over an empty store in memory.
fn in_memory() -> Engine {
    engine(Arc::new(EmbeddedStore::in_memory().expect("memory can be had")))
}

/// A store of its own connection in `namespace` of the Redis that the tests share.
async fn redis(namespace: &str) -> Arc<dyn Store> {
    redis_at(&RedisServer::shared().store_url(), namespace).await
}

/// A store of its own connection in `namespace` of the Redis at `url`.
async fn redis_at(url: &str, namespace: &str) -> Arc<dyn Store> {
    // A rule is no other where the machine has much else to do.
    let patience = Duration::from_secs(20);
    let options = Options::new()
        .namespace(format!("{NAMESPACE}-{namespace}"))
        .response_timeout(patience)
        .overall_timeout(patience);
    Arc::new(RedisStore::connect(url, options).await.expect("the server runs"))
}

/// How often a condition is looked at before it is given up, and how long to wait in between: a minute in all.
const POLLS_MAX: usize = 3000;
const POLL_EVERY: Duration = Duration::from_millis(20);

/// Asks until there is an answer.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..POLLS_MAX {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    panic!("waited in vain until {what}");
}

/// Carries out an operation that nothing stands in the way of.
async fn must<O: Operation>(engine: &Engine, user: &str, input: serde_json::Value) -> O::Output {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(actors::user(user)), &operation).await.expect("nothing stands in the way")
}
