//! The Redis store on a cluster, when things break. Time never decides here: each wait is for something that must
//! happen.

use std::{sync::Arc, time::Duration};

use tenantry_core::store::{Key, Shard, Store, change::Signal};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::{
    conformance::Load,
    redis_server::{RedisCluster, RedisServer, Stop},
};

use crate::{
    reader::Reader,
    redis_store,
    redis_store::{next, proven, say, until},
};

/// A store that waits for a replica: what it acknowledges must survive a fail-over.
async fn careful(cluster: &RedisCluster) -> Arc<dyn Store> {
    let options = Options::new().wait_replicas(1).pool_size(8);
    Arc::new(RedisStore::connect(&cluster.url(), options).await.expect("the cluster runs"))
}

async fn patient(cluster: &RedisCluster) -> Arc<dyn Store> {
    Arc::new(RedisStore::connect(&cluster.url(), redis_store::patient()).await.expect("the cluster runs"))
}

fn key(shard: &Shard) -> String {
    format!("tenantry:{{{shard}}}:r")
}

/// Two shards of different primaries, and the first one's primary.
fn apart(cluster: &RedisCluster) -> (Shard, Shard, &RedisServer) {
    let here = Shard::new('o', "here");
    let primary = cluster.primary_of(&key(&here));
    let elsewhere = |shard: &Shard| cluster.primary_of(&key(shard)).port() != primary.port();
    let there = (0..1000).map(|number| Shard::new('o', &number.to_string())).find(elsewhere);
    (here, there.expect("most shards are elsewhere"), primary)
}

/// Whether the service is as it was: commits, reads and notices of both shards.
async fn all_is_well(store: &dyn Store, shards: [&Shard; 2], number: u8) {
    let mut changes = store.changes();
    until(&mut changes, &Signal::LinkBack).await;
    for (shard, number) in shards.into_iter().zip(number..) {
        say(store, shard, number, &mut changes).await;
        assert_eq!(store.read(shard, &[Key::lasting("row")]).await.unwrap(), [Some(vec![number].into())]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_from_a_killed_primary() {
    let cluster = RedisCluster::start(1, &[]);
    let (here, there, primary) = apart(&cluster);
    let store = careful(&cluster).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    let (load, reader) = (Load::start(&store, &here), Reader::start(&patient(&cluster).await, &there));
    load.acknowledged(50).await;

    primary.stop(Stop::Kill);
    until(&mut changes, &Signal::LinkLost).await;
    load.unavailable().await;
    reader.answered(100).await;
    cluster.wait_for_successor(primary);
    until(&mut changes, &Signal::LinkBack).await;
    // Its replica is the primary now, and has none itself: it comes back as one.
    primary.start_again();
    load.acknowledged(50).await;
    assert!(load.settle().await > 0, "nobody noticed that the primary was gone");
    reader.settle().await;
    all_is_well(&*store, [&here, &there], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_from_a_frozen_primary() {
    let cluster = RedisCluster::start(1, &[]);
    let (here, there, primary) = apart(&cluster);
    let store: Arc<dyn Store> = Arc::new(RedisStore::connect(&cluster.url(), Options::new()).await.unwrap());
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    all_is_well(&*store, [&here, &there], 1).await;
    let load = Load::start(&store, &here);
    let patient = patient(&cluster).await;
    load.acknowledged(50).await;

    primary.freeze();
    until(&mut changes, &Signal::LinkLost).await;
    load.unavailable().await;
    // Through one store, one waits for the frozen node, which does not hold up what others ask of others.
    let stuck = tokio::spawn({
        let (patient, here) = (patient.clone(), here.clone());
        async move { patient.read(&here, &[Key::lasting("row")]).await }
    });
    let reader = Reader::start(&patient, &there);
    reader.answered(100).await;
    assert!(!stuck.is_finished());
    stuck.abort();
    cluster.wait_for_successor(primary);
    until(&mut changes, &Signal::LinkBack).await;
    load.acknowledged(50).await;
    all_is_well(&*store, [&here, &there], 3).await;
    // It wakes up and believes for a moment that it is what it was.
    primary.thaw();
    all_is_well(&*store, [&here, &there], 5).await;
    cluster.wait_until_well();
    all_is_well(&*store, [&here, &there], 7).await;
    drop(load);
    reader.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_when_it_is_told_to() {
    let cluster = RedisCluster::start(1, &[]);
    let (here, there, primary) = apart(&cluster);
    let store = patient(&cluster).await;
    let (load, reader) = (Load::start(&store, &here), Reader::start(&store, &there));
    for round in 0..2 {
        let primary = if round == 0 { primary } else { cluster.primary_of(&key(&here)) };
        load.acknowledged(50).await;
        cluster.hand_over(primary);
        load.acknowledged(50).await;
    }
    assert_eq!(load.settle().await, 0, "the primary hands over what it has, and refuses the rest");
    reader.settle().await;
    all_is_well(&*store, [&here, &there], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_in_mid_load() {
    let cluster = RedisCluster::start(0, &[]);
    let (here, there, from) = apart(&cluster);
    let to = cluster.primary_of(&key(&there));
    let store = patient(&cluster).await;
    let slot = cluster.slot(&key(&here));
    let refused = |node: &RedisServer, error: &str| node.command(&["INFO", "errorstats"]).contains(error);
    let load = Load::start(&store, &here);
    load.acknowledged(50).await;

    cluster.begin_to_move(slot, from, to);
    load.acknowledged(50).await;
    // Half of its keys are here, half there: a commit has to wait.
    assert!(cluster.move_a_key(slot, from, to));
    while !refused(from, "TRYAGAIN") {
        tokio::task::yield_now().await;
    }
    while cluster.move_a_key(slot, from, to) {}
    // All of them are there, and the slot is still on its way.
    load.acknowledged(50).await;
    assert!(refused(from, "ASK"), "{}", from.command(&["INFO", "errorstats"]));
    let passing = Key::passing("passing", Duration::from_secs(3600));
    let both = store.read(&here, &[passing, Key::lasting("counter")]).await.unwrap();
    assert!(both.iter().all(Option::is_some), "a transaction is led there, too: {both:?}");
    assert_eq!(store.read(&here, &[Key::lasting("none")]).await.unwrap(), [None]);

    cluster.end_the_move(slot, to);
    load.acknowledged(50).await;
    assert_eq!(load.settle().await, 0, "nothing was refused that could wait");
    all_is_well(&*store, [&here, &there], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_of_a_new_primary_are_heard() {
    let mut cluster = RedisCluster::start(0, &[]);
    let store = patient(&cluster).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    cluster.add();
    let (here, _, from) = apart(&cluster);
    let (slot, to) = (cluster.slot(&key(&here)), &cluster.nodes()[3]);
    cluster.begin_to_move(slot, from, to);
    while cluster.move_a_key(slot, from, to) {}
    cluster.end_the_move(slot, to);
    // Until the new one is proven, too, nothing is.
    until(&mut changes, &Signal::LinkLost).await;
    until(&mut changes, &Signal::LinkBack).await;
    say(&*store, &here, 1, &mut changes).await;
    assert!(to.command(&["HGET", &key(&here), "row"]).contains('\u{1}'), "it is not where it was led to");

    // And when it is gone, the notices of all others are worth nothing: some of them may come from there.
    to.stop(Stop::Kill);
    until(&mut changes, &Signal::LinkLost).await;
    to.start_again();
    until(&mut changes, &Signal::LinkBack).await;
}

#[tokio::test]
async fn a_primary_that_is_deaf_to_one_node_is_noticed() {
    let cluster = RedisCluster::start(0, &[]);
    let store = patient(&cluster).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    proven(&mut changes).await;
    for node in cluster.nodes() {
        // Commands are answered as before, and the bus carries everything from the other nodes.
        node.command(&["ACL", "SETUSER", "tenantry", "resetchannels"]);
        until(&mut changes, &Signal::LinkLost).await;
        node.command(&["ACL", "SETUSER", "tenantry", "&tenantry:*"]);
        until(&mut changes, &Signal::LinkBack).await;
    }
}

#[tokio::test]
async fn slots_that_may_have_been_elsewhere_for_a_moment_are_noticed() {
    let cluster = RedisCluster::start(0, &[]);
    let store = patient(&cluster).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    // As when it gets a slot from another, but that it has never been away.
    let bumped = |node: &RedisServer| node.command(&["CLUSTER", "BUMPEPOCH"]).starts_with("+BUMPED");
    assert!(cluster.nodes().iter().any(bumped), "one of them has not the greatest epoch");
    until(&mut changes, &Signal::LinkLost).await;
    until(&mut changes, &Signal::LinkBack).await;
}
