//! `GET /healthz` and `GET /readyz`.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use tenantry::{
    EmbeddedStore,
    core::values::clock::{Clock, SystemClock, Timestamp},
};

use crate::{
    actors::Actor,
    world::{Answer, World, on_every_store},
};

async fn probe(world: &World, path: &str) -> Answer {
    world.send(&Actor::nobody(), world.request(Method::GET, &format!("/tenantry/{path}"))).await
}

#[tokio::test]
async fn a_service_that_can_work_says_so() {
    on_every_store(async |world| {
        for path in ["healthz", "readyz"] {
            assert_eq!(probe(&world, path).await.ok(), json!({ "status": "ok" }), "{path}");
        }
    })
    .await;
}

/// Shows the machine's time, until it breaks: then whoever writes on the embedded store's own thread panics.
#[derive(Debug, Default)]
struct Fragile(AtomicBool);

impl Clock for Fragile {
    fn now(&self) -> Timestamp {
        let writes = std::thread::current().name() == Some("tenantry-writer");
        assert!(!(writes && self.0.load(Ordering::Relaxed)), "the test kills the writer here");
        SystemClock.now()
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep(duration)
    }
}

#[tokio::test]
async fn a_process_whose_store_only_a_restart_mends_asks_for_one() {
    let clock = Arc::new(Fragile::default());
    let world = World::start(Arc::new(EmbeddedStore::in_memory_with_clock(clock.clone()).unwrap())).await;
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    let rename = json!({ "organizationId": organization, "name": "Other" });
    clock.0.store(true, Ordering::Relaxed);
    probe(&world, "healthz").await.ok();
    world.call(&alice, "update", rename.clone()).await.refused(503, "unavailable");
    // The clock is whole again, and the writer stays dead.
    clock.0.store(false, Ordering::Relaxed);
    world.call(&alice, "update", rename).await.refused(503, "unavailable");
    for path in ["healthz", "readyz"] {
        probe(&world, path).await.refused(503, "unavailable");
    }
    // What is there can still be read.
    let shown = world.call(&alice, "get", json!({ "organizationId": organization })).await.ok();
    assert_eq!(shown["organization"]["name"], "Acme");
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_problems_too() {
    on_every_store(async |world| {
        let path = "/tenantry/v1/organizations/explode";
        world.send(&Actor::nobody(), world.request(Method::POST, path)).await.refused(404, "not_found");
        let path = "/tenantry/v1/organizations/create";
        world.send(&Actor::nobody(), world.request(Method::GET, path)).await.refused(405, "method_not_allowed");
    })
    .await;
}
