//! Several nodes on a Redis that fails over: what is revoked stays revoked, whoever serves it.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tenantry::{
    RedisOptions, RedisStore,
    core::{store::Store, values::ids::OrganizationId},
};
use tenantry_testing::redis_server::{RedisCluster, RedisSentinels, RedisServer, Stop};
use tokio::time::Instant;

use crate::{actors::Actor, nodes::until, world::World};

/// Generous: a node promises 2 s. One that went on believing would do so for 30 s, as long as a `Tenant` is kept.
const STALE_MAX: Duration = Duration::from_secs(15);

/// A node's store, which acknowledges what survives a fail-over.
async fn store(url: &str) -> Arc<dyn Store> {
    Arc::new(RedisStore::connect(url, RedisOptions::default().wait_replicas(1)).await.unwrap())
}

/// What happens to a primary.
#[derive(Clone, Copy)]
enum Fault {
    /// It stands still, with all connections open, and wakes up again.
    Frozen,
    /// It dies, and is started again.
    Killed,
}

/// While `lost` is away and another takes its place, one node revokes a token that another node knows by heart.
async fn a_revoke_is_seen<'s>(
    url: &str,
    fault: Fault,
    lost: impl Fn(&str) -> &'s RedisServer,
    wait: impl Fn(&'s RedisServer),
) {
    let [here, there] = [World::start(store(url).await).await, World::start(store(url).await).await];
    let alice = Actor::user("alice");
    let organization = here.organization(&alice).await;
    let token = here.token(&alice, &organization, &["org:view"]).await;
    there.whoami(&token, None).await.ok();

    let lost = lost(&organization);
    match fault {
        Fault::Frozen => lost.freeze(),
        Fault::Killed => lost.stop(Stop::Kill),
    }
    wait(lost);
    let revoke = json!({ "organizationId": organization, "key": token.id });
    let revoked =
        until(async || here.call(&alice, "tokens/revoke", revoke.clone()).await, |answer| answer.status.is_success());
    revoked.await.ok();
    let revoked = Instant::now();
    let refused = until(async || there.whoami(&token, None).await, |answer| answer.status == 401).await;
    assert!(revoked.elapsed() < STALE_MAX, "it was believed for {:?}", revoked.elapsed());
    refused.refused(401, "invalid_token");

    // Whoever wakes up believes to be what it was, and has never heard of it.
    match fault {
        Fault::Frozen => lost.thaw(),
        Fault::Killed => lost.start_again(),
    }
    for _ in 0..200 {
        let answer = there.whoami(&token, None).await;
        assert!(!answer.status.is_success(), "what was refused is let in: {}", answer.body);
    }
    let shown = until(async || there.whoami(&alice, None).await, |answer| answer.status.is_success()).await;
    assert_eq!(shown.ok()["organizationId"], organization);
}

async fn a_revoke_is_seen_in_a_cluster(fault: Fault) {
    // Two replicas: the one that takes over has another, which confirms what it acknowledges.
    let cluster = RedisCluster::start(2, &[]);
    let key = |organization: &str| {
        let organization = organization.parse::<OrganizationId>().unwrap().to_base62();
        format!("tenantry:{{o:{organization}}}:r")
    };
    let lost = |organization: &_| cluster.primary_of(&key(organization));
    a_revoke_is_seen(&cluster.url(), fault, lost, |lost| cluster.wait_for_successor(lost)).await;
}

async fn a_revoke_is_seen_with_sentinels(fault: Fault) {
    let sentinels = RedisSentinels::start(&[]);
    a_revoke_is_seen(&sentinels.url(), fault, |_| sentinels.primary(), |lost| sentinels.wait_for_successor(lost)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_is_seen_after_a_primary_of_a_cluster_froze() {
    a_revoke_is_seen_in_a_cluster(Fault::Frozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_is_seen_after_a_primary_of_a_cluster_was_killed() {
    a_revoke_is_seen_in_a_cluster(Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_is_seen_after_the_primary_of_sentinels_froze() {
    a_revoke_is_seen_with_sentinels(Fault::Frozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_is_seen_after_the_primary_of_sentinels_was_killed() {
    a_revoke_is_seen_with_sentinels(Fault::Killed).await;
}
