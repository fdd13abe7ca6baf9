//! The layer over a store, while the issuer rotates its keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, header::AUTHORIZATION};
use tenantry_tower::{TenancyLayer, TenancyLayerBuilder};

use super::{
    issuer::{IssuerKey, TestIssuer},
    stage::{HandClock, authenticator, builder, just_before},
};
use crate::support::{World, ask_clone, eventually, plain};

const CALLERS: usize = 16;

fn request(jwt: &str) -> Request<()> {
    Request::get("/").header(AUTHORIZATION, format!("Bearer {jwt}")).body(()).unwrap()
}

fn layer(world: &World, clock: &Arc<HandClock>, issuer: &TestIssuer) -> TenancyLayerBuilder {
    let authenticator = authenticator(builder(clock).issuer_keys(issuer.discovered()));
    TenancyLayer::builder(world.engine.clone(), authenticator)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_rotate_in_mid_load_have_nobody_refused() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let mut current = IssuerKey::new("key-0");
    let issuer = Arc::new(TestIssuer::start(&current).await);
    let service = plain(layer(&world, &clock, &issuer).build().unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let served: Arc<[AtomicUsize]> = (0..CALLERS).map(|_| AtomicUsize::new(0)).collect();
    let callers = (0..CALLERS).map(|caller| {
        let (service, issuer, time) = (service.clone(), issuer.clone(), world.clock.clone());
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
                // What is known needs no waiting, and the issuer runs in the same threads.
                tokio::task::yield_now().await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    // Whoever signed with what was the key before has been answered when each caller has come twice.
    let counts = || served.iter().map(|count| count.load(Ordering::SeqCst)).collect::<Vec<_>>();
    let settled = async || {
        let before = counts();
        eventually("all are served", async || {
            assert!(!callers.iter().any(tokio::task::JoinHandle::is_finished), "a caller was refused");
            counts().iter().zip(&before).all(|(count, before)| *count >= before + 2)
        })
        .await;
    };
    settled().await;
    for rotation in 1..=20 {
        let next = IssuerKey::new(&format!("key-{rotation}"));
        let before = issuer.fetches();
        issuer.publish([&current, &next]);
        if rotation % 2 == 0 {
            // As it ought to be: first all may know the key, then it is used.
            clock.advance(clock.resting().await);
            eventually("the new key is fetched", async || issuer.fetches() > before).await;
        }
        issuer.sign_by(&next);
        settled().await;
        assert_eq!(issuer.fetches(), before + 1, "one fetch in each rotation");
        clock.resting().await;
        issuer.publish([&next]);
        clock.advance(Duration::from_secs(10));
        current = next;
    }
    done.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test]
async fn what_a_withdrawn_key_verified_is_not_remembered_and_what_others_did_is() {
    let world = World::new().await;
    let clock = HandClock::new(world.clock.clone());
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let issuer = TestIssuer::start(&old).await;
    let service = plain(layer(&world, &clock, &issuer).max_age(Duration::from_secs(3600)).build().unwrap());
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
    let issuer = TestIssuer::start(&IssuerKey::new("key")).await;
    let minute = Duration::from_secs(60);
    let authenticator = authenticator(builder(&clock).issuer_keys(issuer.jwks().keep_through_outage(minute)));
    let layer = TenancyLayer::builder(world.engine.clone(), authenticator).max_age(minute * 60);
    let service = plain(layer.build().unwrap());
    clock.resting().await;
    let jwt = issuer.token("ann", &world.clock);
    world.until_remembered(&service, || request(&jwt)).await;
    issuer.stop().await;
    // The engine's clock goes on, and no fetch has begun since: what counts is the time alone.
    world.clock.advance(just_before(minute));
    assert_eq!(ask_clone(&service, request(&jwt)).await.status, 200);
    world.clock.advance(Duration::from_millis(1));
    let answer = ask_clone(&service, request(&jwt)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
}
