//! The issuer cannot be reached, or answers what it should not.

use std::time::Duration;

use serde_json::json;
use tenantry_core::values::{clock::Clock, error::ErrorKind};
use tenantry_tower::jwt::Jwks;

use super::{
    issuer::TestIssuer,
    keys::IssuerKey,
    process::Answering,
    stage::{HandClock, Stage, authenticator, builder, identified, just_before, told},
};
use crate::support::eventually;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn before_the_first_fetch_nobody_is_believed_or_refused() {
    let clock = HandClock::new(std::sync::Arc::default());
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    issuer.stop();
    let authenticator = authenticator(builder(&clock).issuer(issuer.discovered()));
    let jwt = issuer.token("ann", clock.time());
    let error = identified(&authenticator, &jwt).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unavailable, Some(Duration::from_secs(10))));
    let pause = clock.resting().await;
    assert!(pause <= Duration::from_secs(2), "{pause:?}");
    issuer.restart();
    // Nobody needs to ask for it.
    clock.advance(pause);
    eventually("the keys are fetched", async || issuer.fetches() == 1).await;
    clock.resting().await;
    assert_eq!(told(&authenticator, &jwt).await, "ann");
}

#[tokio::test]
async fn keys_are_kept_through_an_outage_and_it_is_tried_again_all_the_time() {
    let keep = Duration::from_secs(3 * 3600);
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    let trusted = issuer.with(Jwks::discover().keep_through_outage(keep));
    let stage = Stage::with(issuer, trusted).await;
    stage.issuer.stop();
    let mut pause = stage.clock.resting().await;
    let begun = stage.clock.now();
    let outage = || stage.clock.now().since(begun);
    while outage() + pause < keep {
        stage.clock.advance(pause);
        assert_eq!(stage.ask_fresh().await, "ann");
        let next = stage.clock.resting().await;
        assert!(next <= Duration::from_secs(60), "{next:?} after {pause:?}");
        pause = next;
    }
    assert!(pause > Duration::from_secs(50), "less and less often");
    stage.clock.advance(just_before(keep.saturating_sub(outage())));
    assert_eq!(stage.ask_fresh().await, "ann");
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.ask_fresh().await, "unavailable");
    assert_eq!(stage.ask_fresh().await, "unavailable");
    stage.issuer.restart();
    stage.clock.advance(Duration::from_secs(10));
    // Whoever comes first wakes the task.
    assert_eq!(stage.ask_fresh().await, "ann");
}

#[tokio::test]
async fn unless_the_host_says_otherwise_keys_are_kept_for_a_day() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    stage.issuer.stop();
    stage.clock.time().advance(just_before(DAY));
    assert_eq!(stage.ask_fresh().await, "ann");
    stage.clock.time().advance(Duration::from_millis(1));
    assert_eq!(stage.ask_fresh().await, "unavailable");
}

#[tokio::test]
async fn no_failure_of_the_issuer_takes_the_known_keys_away() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    let unknown = IssuerKey::new("unknown");
    let failures = [
        Answering::Status(503),
        Answering::Status(404),
        Answering::Status(203),
        Answering::ByRedirect,
        Answering::With("<html>".to_owned()),
        Answering::With("{}".to_owned()),
        Answering::With(json!({ "keys": [] }).to_string()),
        Answering::With(json!({ "keys": {} }).to_string()),
        Answering::With(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }, 7, null] }).to_string()),
        // As good as any, but too long.
        Answering::With(json!({ "keys": [unknown.jwk], "more": "x".repeat(256 * 1024) }).to_string()),
        Answering::With("[".repeat(200_000)),
    ];
    for failure in failures {
        stage.issuer.answer(failure.clone());
        stage.next_fetch().await;
        assert_eq!(stage.ask_fresh().await, "ann", "{failure:?}");
        // Whether the issuer knows this key cannot be told: it is not refused.
        stage.clock.advance(Duration::from_secs(10));
        let jwt = unknown.sign(&stage.issuer.name(), "ann", stage.clock.time());
        assert_eq!(stage.ask(&jwt).await, "unavailable", "{failure:?}");
        stage.clock.resting().await;
    }
    stage.issuer.answer(Answering::Well);
    stage.issuer.publish([&unknown]);
    stage.next_fetch().await;
    assert_eq!(stage.ask(&unknown.sign(&stage.issuer.name(), "ann", stage.clock.time())).await, "ann");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_holds_nobody_up_for_long() {
    let stage = Stage::new(TestIssuer::start(&IssuerKey::new("key"))).await;
    stage.issuer.answer(Answering::Held);
    let jwt = IssuerKey::new("unknown").sign(&stage.issuer.name(), "ann", stage.clock.time());
    let waiting = async {
        let error = identified(&stage.authenticator, &jwt).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    };
    let time_passes = async {
        eventually("it is asked", async || stage.issuer.fetches() == 2).await;
        // Those whose key is known do not wait.
        assert_eq!(stage.ask_fresh().await, "ann");
        stage.clock.advance(Duration::from_secs(5));
    };
    futures_util::future::join(waiting, time_passes).await;
    stage.issuer.answer(Answering::Well);
    stage.next_fetch().await;
    assert_eq!(stage.ask_fresh().await, "ann");
}

#[tokio::test]
async fn a_clock_that_is_set_forward_or_back_mends_itself() {
    let old = IssuerKey::new("old");
    let stage = Stage::new(TestIssuer::start(&old)).await;
    // Forward, though nobody's rest has passed: the keys count as too old, and whoever comes has them fetched.
    stage.clock.time().advance(DAY * 30);
    assert_eq!(stage.ask_fresh().await, "ann");
    assert_eq!(stage.issuer.fetches(), 2);
    stage.clock.time().set_back(DAY * 30);
    let new = IssuerKey::new("new");
    stage.issuer.publish([&new]);
    stage.issuer.sign_by(&new);
    assert_eq!(stage.ask_fresh().await, "ann");
    assert_eq!(stage.issuer.fetches(), 3);
}
