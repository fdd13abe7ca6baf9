//! Keys come and go.

use std::time::Duration;

use futures_util::future;
use serde_json::json;
use tenantry_core::values::error::ErrorKind;

use super::{
    issuer::TestIssuer,
    keys::IssuerKey,
    stage::{Stage, identified, just_before},
};
use crate::support::eventually;

const MIN_REFRESH: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_key_that_is_published_ahead_makes_nobody_wait_and_one_that_is_gone_verifies_nothing() {
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let stage = Stage::new(TestIssuer::start(&old)).await;
    let of_old = stage.token();
    assert_eq!(stage.ask(&of_old).await, "ann");
    stage.issuer.publish([&old, &new]);
    stage.next_fetch().await;
    stage.issuer.sign_by(&new);
    let before = stage.issuer.fetches();
    assert_eq!((stage.ask_fresh().await, stage.ask(&of_old).await), ("ann".to_owned(), "ann".to_owned()));
    assert_eq!(stage.issuer.fetches(), before);
    stage.issuer.publish([&new]);
    stage.next_fetch().await;
    assert_eq!(stage.ask_fresh().await, "ann");
    assert_eq!(stage.ask(&old.sign(&stage.issuer.name(), "ann", stage.clock.time())).await, "invalid_token");
}

#[tokio::test]
async fn all_who_come_with_a_new_key_wait_for_one_fetch() {
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let stage = Stage::new(TestIssuer::start(&old)).await;
    assert_eq!(stage.issuer.fetches(), 1);
    stage.issuer.publish([&new]);
    stage.issuer.sign_by(&new);
    let answers = future::join_all((0..100).map(|_| stage.ask_fresh())).await;
    assert!(answers.iter().all(|answer| answer == "ann"), "{answers:?}");
    assert_eq!(stage.issuer.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_made_up_keys_costs_fetches_at_the_set_rate_and_refuses_nobody_wrongly() {
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    let stage = Stage::new(TestIssuer::start(&old)).await;
    let made_up = |number: u32| {
        IssuerKey::new(&format!("made-up-{number}")).sign(&stage.issuer.name(), "eve", stage.clock.time())
    };
    // What the first fetch of a flood shows to be missing is refused; what comes later cannot be told yet.
    let (first, second) = (made_up(0), made_up(1));
    assert_eq!(stage.ask(&first).await, "invalid_token");
    assert_eq!(stage.ask(&second).await, "rate_limited");
    for number in 2..50 {
        let error = identified(&stage.authenticator, &made_up(number)).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(MIN_REFRESH)));
    }
    assert_eq!(stage.issuer.fetches(), 2);
    stage.issuer.publish([&old, &new]);
    let of_old = stage.token();
    stage.issuer.sign_by(&new);
    let of_new = stage.token();
    assert_eq!(stage.ask(&of_old).await, "ann");
    assert_eq!(stage.ask(&of_new).await, "rate_limited");
    stage.clock.advance(just_before(MIN_REFRESH));
    assert_eq!(stage.ask(&made_up(50)).await, "rate_limited");
    assert_eq!(stage.issuer.fetches(), 2);
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.ask(&of_new).await, "ann");
    assert_eq!(stage.issuer.fetches(), 3);
    // These were first seen before the new set was asked for.
    assert_eq!((stage.ask(&first).await, stage.ask(&second).await), ("invalid_token".into(), "invalid_token".into()));
    assert_eq!(stage.issuer.fetches(), 3);
}

#[tokio::test]
async fn a_token_that_was_seen_before_the_keys_were_fetched_is_refused_without_another_fetch() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("old"))).await;
    let late = IssuerKey::new("late");
    let dead = late.sign(&stage.issuer.name(), "ann", stage.clock.time());
    assert_eq!(stage.ask(&dead).await, "invalid_token");
    for _ in 0..20 {
        assert_eq!(stage.ask(&dead).await, "invalid_token");
        stage.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(stage.issuer.fetches(), 2);
    // An issuer that signs before it publishes is found right in the end, though nobody waits for it.
    stage.issuer.publish([&late]);
    stage.clock.advance(MIN_REFRESH * 6);
    assert_eq!(stage.ask(&dead).await, "invalid_token");
    eventually("the late key is fetched", async || stage.ask(&dead).await == "ann").await;
    assert_eq!(stage.issuer.fetches(), 3);
}

#[tokio::test]
async fn an_issuer_without_kids_may_rotate_too() {
    let key = |kid| IssuerKey::new(kid).with("kid", json!(null));
    let (old, new) = (key("a"), key("b"));
    let sign = |key: &IssuerKey, stage: &Stage| {
        key.sign_with(&json!({ "kid": null }), &stage.issuer.name(), "ann", stage.clock.time())
    };
    let stage = Stage::new(TestIssuer::start(&old)).await;
    assert_eq!(stage.ask(&sign(&old, &stage)).await, "ann");
    stage.issuer.publish([&new]);
    assert_eq!(stage.ask(&sign(&new, &stage)).await, "ann");
    assert_eq!(stage.issuer.fetches(), 2);
}

#[tokio::test]
async fn a_token_that_its_known_key_did_not_sign_is_refused_at_once() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    let forged = IssuerKey::new("key").sign(&stage.issuer.name(), "ann", stage.clock.time());
    assert_eq!(stage.ask(&forged).await, "invalid_token");
    assert_eq!(stage.issuer.fetches(), 1);
}

#[tokio::test]
async fn keys_are_fetched_again_before_they_are_too_old() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    // Three quarters of what the issuer allows, less up to a tenth.
    let told = [
        (None, 3600),
        (Some("public, max-age=600, must-revalidate"), 600),
        (Some("Max-Age=\"1200\""), 1200),
        (Some("max-age=5"), 60),
        (Some("no-store"), 60),
        (Some("max-age=600, no-cache"), 60),
        (Some("max-age=soon"), 3600),
        (Some("max-age=99999999"), 24 * 3600),
    ];
    for (cache_control, seconds) in told {
        stage.issuer.cache_control(cache_control);
        stage.next_fetch().await;
        let (rest, most) = (stage.clock.resting().await, Duration::from_secs(seconds) * 3 / 4);
        assert!((most * 9 / 10..=most).contains(&rest), "{cache_control:?}: {rest:?}");
    }
}

#[tokio::test]
async fn the_fetching_ends_with_the_last_clone_of_the_verifier() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    let clone = stage.authenticator.clone();
    let Stage { clock, issuer, authenticator } = stage;
    drop(authenticator);
    let jwt = issuer.token("ann", clock.time());
    assert_eq!(identified(&clone, &jwt).await.unwrap(), "ann");
    assert_eq!(clock.sleeping().len(), 1);
    drop(clone);
    eventually("nobody fetches", async || clock.sleeping().is_empty()).await;
}
