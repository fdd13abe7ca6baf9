//! The Redis store when things break. Time never decides here: each wait is for something that must happen.

use std::time::Duration;

use tenantry_core::store::{Key, Order, Range, Store, Txn, change::Signal};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::redis_server::{RedisServer, Stop};

use crate::redis_store::{change, connect, loud, namespace, next, say, shard, until};

/// A store with the usual time-outs.
async fn hasty(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.store_url(), Options::new()).await.expect("the server runs")
}

/// Every kind of call ends, and says that the store is unavailable. The limit is generous: it proves only that the
/// calls end.
async fn all_calls_are_unavailable(store: &RedisStore) {
    let calls = async {
        let range = Range { index: crate::INDEX, after: None, to: None, order: Order::OldestFirst, limit: 1 };
        assert!(store.read(&shard(), &[Key::lasting("row")]).await.is_err());
        assert!(store.range(&shard(), &range).await.is_err());
        assert!(store.log(&shard(), "log", None, 1).await.is_err());
        assert!(store.commit(&shard(), &loud(0)).await.is_err_and(|error| error.into_unavailable().is_ok()));
        assert!(store.ping().await.is_err());
    };
    tokio::time::timeout(5 * Duration::from_secs(2), calls).await.expect("five calls end within 2 s each");
}

#[tokio::test]
async fn a_stopped_server_is_found_again() {
    let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = hasty(&server).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    for (number, stop) in [(1, Stop::Kill), (2, Stop::Ask)] {
        store.commit(&shard(), &loud(number)).await.unwrap();
        server.stop(stop);
        until(&mut changes, &Signal::LinkLost).await;
        all_calls_are_unavailable(&store).await;
        server.start_again();
        until(&mut changes, &Signal::LinkBack).await;
        // The first call after an outage, however long it was, finds the server.
        assert_eq!(store.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [Some(vec![number].into())]);
        store.commit(&shard(), &loud(10 + number)).await.unwrap();
        until(&mut changes, &Signal::Changed(change(10 + number))).await;
    }
}

#[tokio::test]
async fn a_frozen_server_is_noticed() {
    let server = RedisServer::start(&[]);
    let store = hasty(&server).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    server.freeze();
    until(&mut changes, &Signal::LinkLost).await;
    all_calls_are_unavailable(&store).await;
    server.thaw();
    until(&mut changes, &Signal::LinkBack).await;
    say(&store, &shard(), 1, &mut changes).await;
}

#[tokio::test]
async fn a_primary_that_becomes_a_replica_is_neither_read_nor_believed() {
    let (server, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let store = hasty(&server).await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    store.commit(&shard(), &loud(1)).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]);
    // It goes on to answer reads and to carry messages.
    until(&mut changes, &Signal::LinkLost).await;
    all_calls_are_unavailable(&store).await;
    let error = store.ping().await.unwrap_err().to_string();
    assert!(error.contains("give the address of the primary"), "{error}");
    server.command(&["REPLICAOF", "NO", "ONE"]);
    until(&mut changes, &Signal::LinkBack).await;
    say(&store, &shard(), 2, &mut changes).await;
}

#[tokio::test]
async fn a_killed_subscription_comes_back() {
    let server = RedisServer::start(&[]);
    let store = connect(&server, "subscription").await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    for number in 1..=5 {
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        until(&mut changes, &Signal::LinkLost).await;
        until(&mut changes, &Signal::LinkBack).await;
        say(&store, &shard(), number, &mut changes).await;
    }
}

#[tokio::test]
async fn a_forgotten_script_is_sent_again() {
    let server = RedisServer::start(&[]);
    let waiting =
        Options::new().namespace(namespace("script")).wait_replicas(1).response_timeout(Duration::from_millis(50));
    let waiting = RedisStore::connect(&server.store_url(), waiting).await.unwrap();
    let store = connect(&server, "script").await;
    for number in 1..=5 {
        server.command(&["SCRIPT", "FLUSH"]);
        store.commit(&shard(), &loud(number)).await.unwrap();
        server.command(&["SCRIPT", "FLUSH"]);
        let error = waiting.commit(&shard(), &loud(100 + number)).await.unwrap_err();
        assert!(error.to_string().contains("not confirmed"), "{error}");
        let values = store.read(&shard(), &[Key::lasting("row")]).await.unwrap();
        assert_eq!(values, [Some(vec![100 + number].into())]);
    }
}

#[tokio::test]
async fn messages_that_do_not_arrive_are_noticed_though_the_server_answers() {
    let server = RedisServer::start(&[]);
    let store = connect(&server, "deaf").await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    // PING and every command are answered as before; only the channels are out of reach.
    server.command(&["ACL", "SETUSER", "tenantry", "resetchannels"]);
    until(&mut changes, &Signal::LinkLost).await;
    store.ping().await.unwrap();
    server.command(&["ACL", "SETUSER", "tenantry", "&tenantry*"]);
    until(&mut changes, &Signal::LinkBack).await;
    say(&store, &shard(), 1, &mut changes).await;
}

#[tokio::test]
async fn a_dropped_store_leaves_no_connection() {
    let server = RedisServer::start(&[]);
    let store = connect(&server, "dropped").await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    store.commit(&shard(), &Txn::default()).await.unwrap();
    let others = || {
        server
            .command(&["CLIENT", "LIST"])
            .lines()
            .filter(|line| line.contains("lib-name=redis-rs") || line.contains("resp=3"))
            .count()
    };
    assert_eq!(others(), 2, "one for commands, one for notices: {}", server.command(&["CLIENT", "LIST"]));
    drop(store);
    until(&mut changes, &Signal::LinkLost).await;
    assert_eq!(futures_util::StreamExt::next(&mut changes).await, None);
    while others() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
