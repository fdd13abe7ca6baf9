//! Several nodes on one Redis, and a Redis that goes away.

use serde_json::json;
use tenantry::{RedisOptions, RedisStore};
use tenantry_testing::redis_server::{RedisServer, Stop};

use crate::{
    actors::Actor,
    world::{Answer, World, new_namespace, redis},
};

/// Asks until the answer is what it must become. A test that never sees it is ended by the test runner's patience.
pub(crate) async fn until(mut ask: impl AsyncFnMut() -> Answer, wanted: impl Fn(&Answer) -> bool) -> Answer {
    loop {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_takes_away_another_refuses_without_waiting_for_a_time_to_live() {
    let namespace = new_namespace();
    // A `Tenant` is kept for 30 s unless a notice ends it: far longer than this test takes.
    let here = World::start(redis(&namespace).await).await;
    let there = World::start(redis(&namespace).await).await;
    let [alice, bob] = ["alice", "bob"].map(Actor::user);
    let organization = here.organization(&alice).await;
    let token = here.token(&alice, &organization, &["org:view"]).await;
    here.join(&alice, &organization, &bob, "admin").await;
    there.whoami(&token, None).await.ok();
    there.whoami(&bob, Some(&organization)).await.ok();

    let revoke = json!({ "organizationId": organization, "key": token.id });
    here.call(&alice, "tokens/revoke", revoke).await.ok();
    let refused = until(async || there.whoami(&token, None).await, |answer| !answer.status.is_success()).await;
    refused.refused(401, "invalid_token");
    // An operation reads rights anew: it needs no notice.
    there.call(&token, "get", json!({ "organizationId": organization })).await.refused(401, "invalid_token");

    let demote = json!({ "organizationId": organization, "userId": "bob", "role": "member" });
    here.call(&alice, "members/set-role", demote).await.ok();
    let shown =
        until(async || there.whoami(&bob, Some(&organization)).await, |answer| answer.body["role"] != "admin").await;
    assert_eq!(shown.ok()["role"], "member");

    let remove = json!({ "organizationId": organization, "userId": "bob" });
    here.call(&alice, "members/remove", remove).await.ok();
    let refused =
        until(async || there.whoami(&bob, Some(&organization)).await, |answer| !answer.status.is_success()).await;
    refused.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_answer_is_503_and_all_is_well_when_it_is_back() {
    let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = RedisStore::connect(&server.store_url(), RedisOptions::default()).await.unwrap();
    let world = World::start(std::sync::Arc::new(store)).await;
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    let token = world.token(&alice, &organization, &["org:view"]).await;
    world.whoami(&token, None).await.ok();

    server.stop(Stop::Ask);
    let here = json!({ "organizationId": organization });
    // From memory nobody is let in for longer than it takes to notice that the link is lost.
    let away = until(async || world.whoami(&token, None).await, |answer| !answer.status.is_success()).await;
    for refused in [away, world.call(&alice, "get", here.clone()).await, world.whoami(&alice, None).await] {
        refused.refused(503, "unavailable");
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    }
    let ready = world.request(reqwest::Method::GET, "/tenantry/readyz");
    world.send(&Actor::nobody(), ready).await.refused(503, "unavailable");
    // A restart of this process would mend nothing.
    world.send(&Actor::nobody(), world.request(reqwest::Method::GET, "/tenantry/healthz")).await.ok();

    server.start_again();
    let who = until(async || world.whoami(&token, None).await, |answer| answer.status.is_success()).await;
    assert_eq!(who.ok()["organizationId"], organization);
    let shown =
        until(async || world.call(&alice, "get", here.clone()).await, |answer| answer.status.is_success()).await;
    assert_eq!(shown.ok()["organization"]["name"], "Acme");
}
