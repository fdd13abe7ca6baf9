//! The layer over a store, while the issuer rotates its keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, header::AUTHORIZATION};
use tenantry_tower::{TenantryLayer, TenantryLayerBuilder};
use tokio::task::JoinHandle;

use super::{
    issuer::TestIssuer,
    keys::IssuerKey,
    process::Answering,
    stage::{HandClock, authenticator, builder, just_before},
};
use crate::support::{Service, TestClock, World, ask_clone, eventually, plain};

const CALLERS: usize = 16;

fn request(jwt: &str) -> Request<()> {
    Request::get("/").header(AUTHORIZATION, format!("Bearer {jwt}")).body(()).unwrap()
}

fn layer(world: &World, clock: &Arc<HandClock>, issuer: &TestIssuer) -> TenantryLayerBuilder {
    let authenticator = authenticator(builder(clock).issuer(issuer.discovered()));
    TenantryLayer::builder(world.engine.clone(), authenticator)
}

/// Those who ask all the time, and must never be refused.
struct Callers {
    tasks: Vec<JoinHandle<()>>,
    served: Arc<[AtomicUsize]>,
    done: Arc<AtomicBool>,
}

impl Callers {
    fn start(service: &Service, issuer: &Arc<TestIssuer>, time: &Arc<TestClock>) -> Self {
        let served: Arc<[AtomicUsize]> = (0..CALLERS).map(|_| AtomicUsize::new(0)).collect();
        let done = Arc::new(AtomicBool::new(false));
        let task = |caller: usize| {
            let (service, issuer, time) = (service.clone(), issuer.clone(), time.clone());
            let (done, served) = (done.clone(), served.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let jwt = issuer.token("ann", &time);
                    // One that is not known, and one that may be.
                    for _ in 0..2 {
                        let answer = ask_clone(&service, request(&jwt)).await;
                        assert_eq!(answer.status, 200, "{}", answer.body);
                    }
                    served[caller].fetch_add(1, Ordering::SeqCst);
                    // What is known needs no waiting, and there are more callers than threads.
                    tokio::task::yield_now().await;
                }
            })
        };
        Self { tasks: (0..CALLERS).map(task).collect(), served, done }
    }

    /// Waits until each caller has come twice: whoever signed with what was the key before has been answered by then.
    async fn settled(&self) {
        let counts = || self.served.iter().map(|count| count.load(Ordering::SeqCst)).collect::<Vec<_>>();
        let before = counts();
        eventually("all are served", async || {
            assert!(!self.tasks.iter().any(JoinHandle::is_finished), "a caller was refused");
            counts().iter().zip(&before).all(|(count, before)| *count >= before + 2)
        })
        .await;
    }

    async fn finish(self) {
        self.done.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_rotate_in_mid_load_have_nobody_refused() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let mut current = IssuerKey::new("key-0");
    let issuer = Arc::new(TestIssuer::start(&current));
    let service = plain(&layer(&world, &clock, &issuer).build().unwrap());
    let callers = Callers::start(&service, &issuer, &world.clock);
    callers.settled().await;
    for rotation in 1..=20 {
        let next = IssuerKey::new(&format!("key-{rotation}"));
        let before = issuer.fetches();
        issuer.publish([&current, &next]);
        match rotation % 3 {
            // As it ought to be: first all may know the key, then it is used.
            0 => {
                clock.advance(clock.resting().await);
                eventually("the new key is fetched", async || issuer.fetches() > before).await;
                issuer.sign_by(&next);
            }
            1 => issuer.sign_by(&next),
            // It takes its time, and all wait for it.
            _ => {
                issuer.answer(Answering::Held);
                issuer.sign_by(&next);
                eventually("all wait for the one fetch", async || clock.sleeping().len() == CALLERS + 1).await;
                issuer.answer(Answering::Well);
            }
        }
        callers.settled().await;
        assert_eq!(issuer.fetches(), before + 1, "one fetch in each rotation");
        clock.resting().await;
        issuer.publish([&next]);
        clock.advance(Duration::from_secs(10));
        current = next;
    }
    callers.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_killed_in_mid_load_has_nobody_refused_and_its_new_keys_are_taken_up() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let first = IssuerKey::new("key-0");
    let mut current = first.clone();
    let issuer = Arc::new(TestIssuer::start(&current));
    let service = plain(&layer(&world, &clock, &issuer).build().unwrap());
    let callers = Callers::start(&service, &issuer, &world.clock);
    callers.settled().await;
    for death in 1..=6 {
        if death % 2 == 0 {
            // In the midst of an answer, or else before it is asked.
            let before = issuer.fetches();
            issuer.answer(Answering::Held);
            clock.advance(clock.resting().await);
            eventually("it is asked", async || issuer.fetches() > before).await;
            issuer.stop();
        } else {
            issuer.stop();
            clock.advance(clock.resting().await);
        }
        // The fetch has failed: the next try is near, and what is known does.
        assert!(clock.resting().await <= Duration::from_secs(1));
        callers.settled().await;
        let next = IssuerKey::new(&format!("key-{death}"));
        issuer.answer(Answering::Well);
        issuer.publish([&current, &next]);
        issuer.restart();
        issuer.sign_by(&next);
        callers.settled().await;
        assert_eq!(issuer.fetches(), 1);
        clock.resting().await;
        clock.advance(Duration::from_secs(10));
        current = next;
    }
    callers.finish().await;
    let withdrawn = first.sign(&issuer.name(), "ann", &world.clock);
    assert_eq!(ask_clone(&service, request(&withdrawn)).await.status, 401);
}

#[tokio::test]
async fn what_a_withdrawn_key_verified_is_not_remembered_and_what_others_did_is() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let issuer = TestIssuer::start(&old);
    let service = plain(&layer(&world, &clock, &issuer).max_age(Duration::from_secs(3600)).build().unwrap());
    let next_fetch = async || {
        let before = issuer.fetches();
        clock.advance(clock.resting().await);
        eventually("it is fetched", async || issuer.fetches() > before).await;
        clock.resting().await;
    };
    issuer.cache_control(Some("max-age=60"));
    next_fetch().await;
    let jwt = issuer.token("ann", &world.clock);
    world.until_remembered(&service, || request(&jwt)).await;
    // A new key changes nothing for those who are known.
    issuer.publish([&old, &new]);
    next_fetch().await;
    let reads = world.store.reads();
    assert_eq!(ask_clone(&service, request(&jwt)).await.status, 200);
    assert_eq!(world.store.reads(), reads);
    issuer.publish([&new]);
    next_fetch().await;
    let answer = ask_clone(&service, request(&jwt)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"));
    issuer.sign_by(&new);
    let jwt = issuer.token("ann", &world.clock);
    assert_eq!(ask_clone(&service, request(&jwt)).await.status, 200);
}

#[tokio::test]
async fn what_is_remembered_ends_with_the_keys_too() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    let minute = Duration::from_secs(60);
    let trusted = issuer.with(issuer.jwks().keep_through_outage(minute));
    let authenticator = authenticator(builder(&clock).issuer(trusted));
    let layer = TenantryLayer::builder(world.engine.clone(), authenticator).max_age(minute * 60);
    let service = plain(&layer.build().unwrap());
    clock.resting().await;
    let jwt = issuer.token("ann", &world.clock);
    world.until_remembered(&service, || request(&jwt)).await;
    issuer.stop();
    // The engine's clock goes on, and no fetch has begun since: what counts is the time alone.
    world.clock.advance(just_before(minute));
    assert_eq!(ask_clone(&service, request(&jwt)).await.status, 200);
    world.clock.advance(Duration::from_millis(1));
    let answer = ask_clone(&service, request(&jwt)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
}
