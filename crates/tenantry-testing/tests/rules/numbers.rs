//! The numbers of organizations that are created at the same time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::json;
use tenantry_core::{
    engine::Engine,
    error::{Error, ErrorKind},
    operation::Request,
    operations::organizations::Create,
    store::{Shard, Txn, Unavailable},
};
use tenantry_testing::actors;
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, yield_now},
};

use crate::meddled::{Meddled, Meddling};

/// Where the platform's shard is written.
#[derive(Debug)]
struct Gate {
    passes: Semaphore,
    reached: AtomicUsize,
    away: AtomicBool,
    /// How many slugs were looked at: what a creation does just before it asks for its number.
    slugs: AtomicUsize,
}

#[async_trait]
impl Meddling for Gate {
    async fn before_read(&self, shard: &Shard) -> Option<Box<dyn Send>> {
        self.slugs.fetch_add(usize::from(shard.as_str().starts_with("s:")), Ordering::SeqCst);
        None
    }
    async fn before_commit(&self, shard: &Shard, _: &Txn) -> Result<(), Unavailable> {
        if shard.as_str() != "p:platform" {
            return Ok(());
        }
        self.reached.fetch_add(1, Ordering::SeqCst);
        self.passes.acquire().await.expect("it is never closed").forget();
        if self.away.load(Ordering::SeqCst) { Err(Unavailable::new("away")) } else { Ok(()) }
    }
}

struct World {
    gate: Arc<Meddled<Gate>>,
    engine: Engine,
}

impl World {
    fn new() -> Self {
        let gate = Gate {
            passes: Semaphore::new(0),
            reached: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            slugs: AtomicUsize::new(0),
        };
        let gate = Meddled::new(crate::in_memory().store().clone(), gate);
        Self { engine: crate::engine(gate.clone()), gate }
    }

    fn create(&self, number: usize) -> JoinHandle<Result<u64, Error>> {
        let engine = self.engine.clone();
        tokio::spawn(async move {
            let create: Create =
                serde_json::from_value(json!({ "name": format!("Acme {number}") })).expect("it is valid");
            let created = engine.run(&Request::new(actors::user(&format!("user-{number}"))), &create).await;
            created.map(|created| created.organization.number)
        })
    }

    /// Begins so many creations; all of them wait for their numbers, the first of them at the gate.
    async fn create_all(&self, count: usize) -> Vec<JoinHandle<Result<u64, Error>>> {
        let creations = (0..count).map(|number| self.create(number)).collect();
        while self.gate.slugs.load(Ordering::SeqCst) < count || self.gate.reached.load(Ordering::SeqCst) < 1 {
            yield_now().await;
        }
        // There is one thread: whoever looked at their slug gets as far as they can.
        for _ in 0..100 {
            yield_now().await;
        }
        creations
    }
}

async fn numbers(creations: Vec<JoinHandle<Result<u64, Error>>>) -> BTreeSet<u64> {
    let created = join_all(creations).await.into_iter();
    created.map(|created| created.expect("it does not panic").expect("nothing stands in the way")).collect()
}

#[tokio::test]
async fn are_fetched_together() {
    let world = World::new();
    let creations = world.create_all(10).await;
    world.gate.passes.add_permits(10);
    assert_eq!(numbers(creations).await, (1..=10).collect());
    let fetched = world.gate.reached.load(Ordering::SeqCst);
    assert!(fetched <= 3, "whoever comes while a number is fetched waits with the others: {fetched}");
}

#[tokio::test]
async fn are_fetched_again_when_who_fetched_is_given_up() {
    let world = World::new();
    let mut creations = world.create_all(4).await;
    // The first commit is never made, and the one after it is given up with those for whom it is, too.
    for _ in 0..2 {
        let reached = world.gate.reached.load(Ordering::SeqCst);
        creations.remove(0).abort();
        while world.gate.reached.load(Ordering::SeqCst) == reached {
            yield_now().await;
        }
    }
    world.gate.passes.add_permits(4);
    assert_eq!(numbers(creations).await, [1, 2].into());
}

#[tokio::test]
async fn are_refused_to_all_who_wait_while_the_store_is_away() {
    let world = World::new();
    let creations = world.create_all(10).await;
    world.gate.away.store(true, Ordering::SeqCst);
    world.gate.passes.add_permits(10);
    for created in join_all(creations).await {
        let refused = created.expect("it does not panic").expect_err("the store is away");
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
    }
    assert!(world.gate.reached.load(Ordering::SeqCst) <= 3, "one failure is told to all who wait");
}
