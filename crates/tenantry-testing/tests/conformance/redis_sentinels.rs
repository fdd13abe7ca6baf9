//! The Redis store on a primary that sentinels watch over.

use std::sync::Arc;

use tenantry_core::store::{Key, Store, change::Signal};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::{
    conformance::Load,
    redis_server::{RedisSentinels, Stop},
};

use crate::{
    conforms,
    redis_store::{loud, namespace, next, patient, say, shard, until},
};

async fn connect(sentinels: &RedisSentinels, options: Options) -> Arc<dyn Store> {
    Arc::new(RedisStore::connect(&sentinels.url(), options).await.expect("the sentinels and the servers run"))
}

/// Whether the service is as it was.
async fn all_is_well(store: &dyn Store, number: u8) {
    let mut changes = store.changes();
    until(&mut changes, &Signal::LinkBack).await;
    say(store, &shard(), number, &mut changes).await;
    assert_eq!(store.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [Some(vec![number].into())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_from_a_killed_primary() {
    let sentinels = RedisSentinels::start(&[]);
    conforms(vec![connect(&sentinels, patient().namespace(namespace("conform"))).await], "sentinels").await;
    let store = connect(&sentinels, Options::new().wait_replicas(1).pool_size(8)).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    let load = Load::start(&store, &shard());
    load.acknowledged(50).await;

    let lost = sentinels.primary();
    lost.stop(Stop::Kill);
    until(&mut changes, &Signal::LinkLost).await;
    load.unavailable().await;
    sentinels.wait_for_successor(lost);
    until(&mut changes, &Signal::LinkBack).await;
    load.acknowledged(50).await;
    // It comes back as a primary, until the sentinels tell it otherwise.
    lost.start_again();
    sentinels.wait_until_well();
    load.acknowledged(50).await;
    assert!(load.settle().await > 0, "nobody noticed that the primary was gone");
    all_is_well(&*store, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_from_a_frozen_primary_and_when_it_is_told_to() {
    let sentinels = RedisSentinels::start(&[]);
    let store = connect(&sentinels, Options::new()).await;
    all_is_well(&*store, 1).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);

    let lost = sentinels.primary();
    lost.freeze();
    until(&mut changes, &Signal::LinkLost).await;
    sentinels.wait_for_successor(lost);
    until(&mut changes, &Signal::LinkBack).await;
    all_is_well(&*store, 2).await;
    lost.thaw();
    sentinels.wait_until_well();
    all_is_well(&*store, 3).await;

    let lost = sentinels.primary();
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    sentinels.hand_over(lost);
    // The old one still runs, and may answer: it is not believed.
    until(&mut changes, &Signal::LinkLost).await;
    until(&mut changes, &Signal::LinkBack).await;
    all_is_well(&*store, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_sentinels_do_not_confirm_is_not_believed() {
    let sentinels = RedisSentinels::start(&[]);
    let store = connect(&sentinels, patient()).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    // One of three may be away.
    let [first, second, _] = sentinels.sentinels() else { panic!("there are three") };
    first.stop(Stop::Kill);
    all_is_well(&*store, 1).await;
    // Two may not: the one that is left may not know of another primary. The calls go on, the cache is not believed.
    second.stop(Stop::Kill);
    until(&mut changes, &Signal::LinkLost).await;
    store.commit(&shard(), &loud(2)).await.unwrap();
    second.start_again();
    until(&mut changes, &Signal::LinkBack).await;
}
