//! What follows from a change happens, whoever dies in between.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::json;
use tenantry_core::{
    access::registry::Registry,
    engine::{Engine, operation::Request},
    host::{
        Host,
        hooks::{HookError, Hooks, MemberEvent},
    },
    operations::{join_codes, members, organizations},
    store::Store,
    values::{
        clock::{Clock as _, SystemClock},
        ids::OrganizationId,
        limits,
    },
};
use tenantry_testing::{actors, model::ManualClock};

use crate::{meddled::Severed, must};

/// Notes what it is told, and fails as often as it is to.
#[derive(Debug, Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<(&'static str, MemberEvent)>>>,
    failures: Arc<AtomicUsize>,
    hangs: Arc<AtomicUsize>,
}

impl Notes {
    async fn note(&self, what: &'static str, event: &MemberEvent) -> Result<(), HookError> {
        self.told.lock().unwrap_or_else(|_| panic!("nobody panics with the lock")).push((what, event.clone()));
        let less = |count: usize| count.checked_sub(1);
        if self.hangs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            std::future::pending::<()>().await;
        }
        let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if fails { Err("it fails".into()) } else { Ok(()) }
    }

    /// What was told of `user`.
    fn of(&self, user: &str) -> Vec<(&'static str, MemberEvent)> {
        let told = self.told.lock().unwrap_or_else(|_| panic!("nobody panics with the lock"));
        told.iter().filter(|(_, event)| event.user.as_str() == user).cloned().collect()
    }
}

#[async_trait]
impl Hooks for Notes {
    async fn member_joined(&self, event: &MemberEvent) -> Result<(), HookError> {
        self.note("joined", event).await
    }
    async fn member_removed(&self, event: &MemberEvent) -> Result<(), HookError> {
        self.note("removed", event).await
    }
}

/// A node of its own, over the same state.
fn node(store: &Arc<dyn Store>, clock: &Arc<ManualClock>, notes: &Notes) -> Engine {
    Engine::builder(store.clone(), Registry::builder().build().expect("what is built in fits together"))
        .clock(clock.clone())
        .host(Host::default().hooks(notes.clone()))
        .build()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock.now()))
}

/// Alice creates an organization, and Bob joins.
async fn bob_joins(engine: &Engine) -> OrganizationId {
    let organization = must::<organizations::Create>(engine, "alice", json!({ "name": "Acme" })).await.organization.id;
    let code = must::<join_codes::Create>(engine, "alice", json!({ "organizationId": organization })).await.code;
    must::<join_codes::Join>(engine, "bob", json!({ "code": code })).await;
    organization
}

async fn hold(store: Arc<dyn Store>) {
    let (clock, notes) = (clock(), Notes::default());
    let first = node(&store, &clock, &notes);
    let organization = bob_joins(&first).await;
    let remove = json!({ "organizationId": organization, "userId": "bob" });
    must::<members::Remove>(&first, "alice", remove).await;
    // The node dies before it told anybody.
    drop(first);
    assert_eq!(notes.of("bob"), []);
    let others = [node(&store, &clock, &notes), node(&store, &clock, &notes)];
    let (one, other) = futures_util::future::join(others[0].work_once(), others[1].work_once()).await;
    let done = one.expect("the store is there") + other.expect("the store is there");
    // Alice joined as well. Redis is shared: of other tests' organizations there are no jobs here.
    assert_eq!(done, 3, "each is done once");
    let mut told = notes.of("bob");
    told.sort_by_key(|(what, _)| *what);
    let told: Vec<_> = told.iter().map(|(what, event)| (*what, event.organization, event.roles[0].as_str())).collect();
    assert_eq!(told, [("joined", organization, "member"), ("removed", organization, "member")]);
    assert_eq!(others[0].work_once().await.expect("the store is there"), 0);
    assert_eq!(notes.of("bob").len(), 2, "nothing is left to tell");
}

#[tokio::test]
async fn what_a_node_left_undone_another_does_in_memory() {
    hold(crate::in_memory().store().clone()).await;
}

#[tokio::test]
async fn what_a_node_left_undone_another_does_on_redis() {
    hold(crate::redis("jobs").await).await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_bears_the_same_name() {
    let store = crate::in_memory().store().clone();
    let (clock, notes) = (clock(), Notes::default());
    let engine = node(&store, &clock, &notes);
    let organization = bob_joins(&engine).await;
    engine.work_once().await.expect("the store is there");
    notes.failures.store(2, Ordering::SeqCst);
    let remove = json!({ "organizationId": organization, "userId": "bob" });
    must::<members::Remove>(&engine, "alice", remove).await;
    for (pause, told) in [(0, 2), (0, 2), (1, 3), (1, 3), (1, 4), (600, 4)] {
        clock.advance(Duration::from_secs(pause));
        engine.work_once().await.expect("the store is there");
        assert_eq!(notes.of("bob").len(), told);
    }
    let told = notes.of("bob");
    assert!(told[1..].iter().all(|(what, event)| *what == "removed" && event.id == told[1].1.id));
    assert_ne!(told[0].1.id, told[1].1.id);
}

#[tokio::test]
async fn whoever_dies_in_the_midst_is_given_up() {
    let store = crate::in_memory().store().clone();
    let (clock, notes) = (clock(), Notes::default());
    let [dying, other] = [node(&store, &clock, &notes), node(&store, &clock, &notes)];
    bob_joins(&dying).await;
    notes.hangs.store(2, Ordering::SeqCst);
    // Alice's and Bob's joining hang; then the future is dropped, as a crash would do.
    let mut hanging = Box::pin(dying.work_once());
    while notes.of("alice").is_empty() || notes.of("bob").is_empty() {
        assert!(hanging.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(hanging);
    assert_eq!(other.work_once().await.expect("the store is there"), 0, "it may yet be done");
    clock.advance(limits::JOB_CLAIM + Duration::from_secs(1));
    assert_eq!(other.work_once().await.expect("the store is there"), 2);
    assert_eq!(notes.of("bob").len(), 2);
}

#[tokio::test]
async fn nothing_is_told_of_what_never_happened() {
    let store = Severed::over(crate::in_memory().store().clone(), true);
    let (clock, notes) = (clock(), Notes::default());
    let shared: Arc<dyn Store> = store.clone();
    let engine = node(&shared, &clock, &notes);
    let create: organizations::Create = serde_json::from_value(json!({ "name": "Acme" })).expect("the input is valid");
    assert!(engine.run(&Request::new(actors::alice()), &create).await.is_err());
    store.cut.store(false, Ordering::SeqCst);
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    assert_eq!(engine.work_once().await.expect("the store is there"), 0);
    assert_eq!(notes.of("alice"), []);
}
