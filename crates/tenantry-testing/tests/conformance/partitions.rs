//! The Redis store in a network that is cut between any two of those that take part.
//!
//! What is acknowledged is kept, whatever is cut; and a cache is not believed (`Signal::Proven`) while the store cannot
//! know what was acknowledged elsewhere.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tenantry_core::{
    store::{Changes, Store, change::Signal},
    values::clock::{Clock as _, SystemClock},
};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::{
    conformance::Load,
    network::Network,
    redis_server::{RedisSentinels, RedisServer},
};
use tokio::task::JoinHandle;

use crate::redis_store::{next, shard, until};

/// Where the store calls from.
const NODE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A store on servers that are apart, with commits without a pause, which a replica must have.
struct Scene {
    network: Network,
    sentinels: RedisSentinels,
    store: Arc<dyn Store>,
    changes: Changes,
    load: Load,
}

impl Scene {
    /// `None`: the test runs elsewhere, in a network of its own.
    async fn of(test: &str) -> Option<Self> {
        let network = Network::of_its_own(test)?;
        let sentinels = RedisSentinels::apart(&[]);
        let options = Options::new().wait_replicas(1).pool_size(8);
        let store = RedisStore::connect(&sentinels.url(), options).await.expect("the sentinels and the servers run");
        let store: Arc<dyn Store> = Arc::new(store);
        let mut changes = store.changes();
        assert_eq!(next(&mut changes).await, Signal::LinkBack);
        let load = Load::start(&store, &shard());
        load.acknowledged(50).await;
        Some(Self { network, sentinels, store, changes, load })
    }

    fn replicas(&self) -> impl Iterator<Item = &RedisServer> {
        let primary = self.sentinels.primary().address();
        self.sentinels.servers().iter().filter(move |server| server.address() != primary)
    }

    /// Listens until it is told to end. The latest moment before which all notices are said to have been told, if that
    /// is said while the link counts as whole.
    fn proofs(&self) -> Proofs {
        let mut changes = self.store.changes();
        let (end, mut ended) = tokio::sync::oneshot::channel::<()>();
        let listening = tokio::spawn(async move {
            let mut latest = Duration::ZERO;
            loop {
                tokio::select! {
                    _ = &mut ended => return latest,
                    signal = changes.next() => match signal.expect("the store is there") {
                        Signal::Proven(before) => latest = latest.max(before),
                        Signal::Changed(_) | Signal::LinkLost | Signal::LinkBack => {}
                    },
                }
            }
        });
        Proofs { end, listening }
    }

    /// All is whole again: the link comes back, commits are acknowledged, and nothing was lost on the way.
    async fn ends_well(mut self) {
        self.network.heal();
        until(&mut self.changes, &Signal::LinkBack).await;
        self.sentinels.wait_until_well();
        self.load.acknowledged(50).await;
        assert!(self.load.settle().await > 0, "nobody noticed that the network was cut");
    }
}

struct Proofs {
    end: tokio::sync::oneshot::Sender<()>,
    listening: JoinHandle<Duration>,
}

impl Proofs {
    /// Nothing that lies after `moment` was said to be proven so far.
    async fn none_after(self, moment: Duration) {
        self.end.send(()).expect("it listens until it is told to end");
        let latest = self.listening.await.unwrap();
        assert!(latest <= moment, "proven up to {latest:?}, with the network cut at {moment:?}");
    }
}

/// A node that does not hear its primary: its packets do not arrive, or the primary's, or neither.
async fn a_node_without_its_primary(test: &str, cut: impl Fn(&Network, Ipv4Addr)) {
    let Some(mut scene) = Scene::of(test).await else { return };
    cut(&scene.network, scene.sentinels.primary().address());
    let cut_at = SystemClock.elapsed();
    let proofs = scene.proofs();
    until(&mut scene.changes, &Signal::LinkLost).await;
    scene.load.unavailable().await;
    proofs.none_after(cut_at).await;
    scene.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_from_its_primary_believes_no_cache_and_acknowledges_nothing() {
    let test = "partitions::a_node_that_is_cut_off_from_its_primary_believes_no_cache_and_acknowledges_nothing";
    a_node_without_its_primary(test, |network, primary| {
        network.cut(NODE, primary);
        network.cut(primary, NODE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hears_its_primary_and_is_not_heard_believes_no_cache_and_acknowledges_nothing() {
    let test = "partitions::a_node_that_hears_its_primary_and_is_not_heard_believes_no_cache_and_acknowledges_nothing";
    a_node_without_its_primary(test, |network, primary| network.cut(NODE, primary)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_heard_by_its_primary_and_does_not_hear_it_believes_no_cache_and_acknowledges_nothing() {
    let test = "partitions::\
                a_node_that_is_heard_by_its_primary_and_does_not_hear_it_believes_no_cache_and_acknowledges_nothing";
    a_node_without_its_primary(test, |network, primary| network.cut(primary, NODE)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_only_the_node_still_reaches_is_left_for_its_successor() {
    let test = "partitions::a_primary_that_only_the_node_still_reaches_is_left_for_its_successor";
    let Some(mut scene) = Scene::of(test).await else { return };
    let lost = scene.sentinels.primary();
    let others = scene.replicas().chain(scene.sentinels.sentinels()).map(RedisServer::address);
    for other in others.collect::<Vec<_>>() {
        scene.network.cut(lost.address(), other);
        scene.network.cut(other, lost.address());
    }
    // What the old one takes from now on no replica gets.
    scene.load.unavailable().await;
    let proofs = scene.proofs();
    scene.sentinels.wait_for_successor(lost);
    let succeeded_at = SystemClock.elapsed();
    until(&mut scene.changes, &Signal::LinkLost).await;
    proofs.none_after(succeeded_at).await;
    until(&mut scene.changes, &Signal::LinkBack).await;
    scene.load.acknowledged(50).await;

    scene.network.heal();
    // Notices go on from the successor: the link need not break again.
    scene.sentinels.wait_until_well();
    assert_ne!(scene.sentinels.primary().address(), lost.address());
    scene.load.acknowledged(50).await;
    assert!(scene.load.settle().await > 0, "nobody noticed that the network was cut");
}

/// A primary whose replicas it cannot reach, or which cannot reach it; everybody else can.
async fn a_primary_without_its_replicas(test: &str, cut: impl Fn(&Network, Ipv4Addr, Ipv4Addr)) {
    let Some(scene) = Scene::of(test).await else { return };
    let primary = scene.sentinels.primary().address();
    let mut replicas = scene.replicas().map(RedisServer::address).collect::<Vec<_>>().into_iter();
    // One of them is enough.
    cut(&scene.network, primary, replicas.next().expect("there are two"));
    scene.load.acknowledged(50).await;
    cut(&scene.network, primary, replicas.next().expect("there are two"));
    scene.load.unavailable().await;

    scene.network.heal();
    scene.sentinels.wait_until_well();
    assert_eq!(scene.sentinels.primary().address(), primary, "the sentinels reached it all the time");
    scene.load.acknowledged(50).await;
    assert!(scene.load.settle().await > 0, "nobody noticed that the network was cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_reach_a_replica_is_not_acknowledged() {
    let test = "partitions::what_does_not_reach_a_replica_is_not_acknowledged";
    a_primary_without_its_replicas(test, Network::cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_does_not_confirm_is_not_acknowledged() {
    let test = "partitions::what_a_replica_does_not_confirm_is_not_acknowledged";
    a_primary_without_its_replicas(test, |network, primary, replica| network.cut(replica, primary)).await;
}
