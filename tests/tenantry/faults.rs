//! Whatever breaks between a node and its Redis, no answer is staler than the node promises, and all is well by itself
//! when it is whole again.
//!
//! The promise is about time, and so is what is asserted; but no machine is too slow for it. A request that is sent
//! later than the promise allows must not be let in, however late it is answered.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tenantry::{RedisOptions, RedisStore};
use tenantry_testing::{
    redis_server::{NAMESPACE, RedisServer, Stop},
    relay::{Network, Relay},
};
use tokio::time::Instant;

use crate::{actors::Actor, nodes::until, world::World};

/// What a node promises unless it is told otherwise.
const STALENESS_MAX: Duration = Duration::from_secs(2);

/// One node changes what another knows by heart.
struct Nodes {
    server: RedisServer,
    here: World,
    there: World,
    /// Between the other node and Redis.
    network: Relay,
    alice: Actor,
    organization: String,
}

impl Nodes {
    async fn start() -> Self {
        let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
        let network = Relay::to(server.port()).await.unwrap();
        let url = server.store_url();
        let relayed = url.replace(&server.port().to_string(), &network.port().to_string());
        let [here, there] = [node(&url).await, node(&relayed).await];
        let alice = Actor::user("alice");
        let organization = here.organization(&alice).await;
        Self { server, here, there, network, alice, organization }
    }

    /// A token that the other node knows by heart: nobody is asked about it any more.
    async fn known(&self) -> Actor {
        let token = self.here.token(&self.alice, &self.organization, &["org:view"]).await;
        let reads = || self.server.command(&["INFO", "commandstats"]);
        loop {
            until(async || self.there.whoami(&token, None).await, |answer| answer.status.is_success()).await;
            let before = calls(&reads(), "hmget");
            self.there.whoami(&token, None).await.ok();
            if calls(&reads(), "hmget") == before {
                return token;
            }
        }
    }

    /// Revokes `token`, as soon as that can be done. Returns when it was acknowledged.
    async fn revoke(&self, token: &Actor) -> Instant {
        let revoke = json!({ "organizationId": self.organization, "key": token.id });
        let revoked = async || self.here.call(&self.alice, "tokens/revoke", revoke.clone()).await;
        until(revoked, |answer| answer.status.is_success()).await.ok();
        Instant::now()
    }

    /// Whoever asks the other node later than it promises after `since` is not let in, until the answer is `wanted`.
    async fn is_let_in_no_longer(&self, token: &Actor, since: Instant, wanted: u16) {
        loop {
            let asked = since.elapsed();
            let answer = self.there.whoami(token, None).await;
            match answer.status.as_u16() {
                200 => assert!(asked < STALENESS_MAX, "let in {asked:?} after that"),
                status if status == wanted => return,
                status => assert_eq!(status, 503, "{}", answer.body),
            }
        }
    }

    /// It is not let in again either when answers are remembered again.
    async fn stays_out(&self, token: &Actor) {
        self.known().await;
        self.there.whoami(token, None).await.refused(401, "invalid_token");
    }

    /// A change is seen as ever, and what is known is known again.
    async fn is_well(&self) {
        let token = self.known().await;
        let revoked = self.revoke(&token).await;
        self.is_let_in_no_longer(&token, revoked, 401).await;
        self.stays_out(&token).await;
        let shown: Value = self.there.whoami(&self.alice, None).await.ok();
        assert_eq!(shown["organizationId"], self.organization);
    }
}

async fn node(url: &str) -> World {
    let options = RedisOptions::default().namespace(NAMESPACE);
    World::in_real_time(Arc::new(RedisStore::connect(url, options).await.unwrap())).await
}

/// How often Redis has carried out `command`.
fn calls(statistics: &str, command: &str) -> u64 {
    let line = statistics.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_lost_with_its_connection() {
    let nodes = Nodes::start().await;
    for _ in 0..10 {
        let token = nodes.known().await;
        nodes.server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        let revoked = nodes.revoke(&token).await;
        nodes.is_let_in_no_longer(&token, revoked, 401).await;
        nodes.stays_out(&token).await;
    }
    nodes.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_one_node_stands_still_or_breaks() {
    let nodes = Nodes::start().await;
    for network in [Network::Still, Network::Broken] {
        let token = nodes.known().await;
        nodes.network.set(network);
        let revoked = nodes.revoke(&token).await;
        nodes.is_let_in_no_longer(&token, revoked, 503).await;
        nodes.network.set(Network::Open);
        nodes.is_let_in_no_longer(&token, revoked, 401).await;
        nodes.stays_out(&token).await;
        nodes.is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stands_still() {
    let nodes = Nodes::start().await;
    let token = nodes.known().await;
    nodes.server.freeze();
    nodes.is_let_in_no_longer(&token, Instant::now(), 503).await;
    nodes.server.thaw();
    until(async || nodes.there.whoami(&token, None).await, |answer| answer.status.is_success()).await;
    nodes.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_started_again() {
    let nodes = Nodes::start().await;
    for _ in 0..3 {
        let token = nodes.known().await;
        nodes.server.stop(Stop::Kill);
        let killed = Instant::now();
        nodes.is_let_in_no_longer(&token, killed, 503).await;
        nodes.server.start_again();
        let revoked = nodes.revoke(&token).await;
        nodes.is_let_in_no_longer(&token, revoked, 401).await;
        nodes.stays_out(&token).await;
    }
    nodes.is_well().await;
}
