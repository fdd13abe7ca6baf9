//! How a Redis must be set up, and what must be kept there.

use std::time::Duration;

use tenantry_core::store::{FORMAT, Store, change::Signal};
use tenantry_redis::{ConnectErrorKind, Options, RedisStore};
use tenantry_testing::redis_server::{RedisCluster, RedisServer, Stop};

use crate::redis_store::{connect, loud, next, say, shard, until};

/// Whether a server may be used is not decided by how busy the machine is.
fn patient() -> Options {
    let patience = Duration::from_secs(20);
    Options::new().connect_timeout(patience).response_timeout(patience).overall_timeout(patience)
}

#[tokio::test]
async fn a_server_that_evicts_is_refused_unless_the_host_insists() {
    let server = RedisServer::start(&[]);
    for policy in ["allkeys-lru", "volatile-ttl"] {
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let error = RedisStore::connect(&server.store_url(), patient()).await.unwrap_err();
        assert_eq!(error.kind(), ConnectErrorKind::Settings, "{error}");
        assert!(error.to_string().contains(&format!("its maxmemory-policy is {policy}")), "{error}");
        let options = patient().dangerously_allow_eviction();
        RedisStore::connect(&server.store_url(), options).await.unwrap().ping().await.unwrap();
    }
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    connect(&server, "noeviction").await.ping().await.unwrap();
}

#[tokio::test]
async fn one_primary_of_a_cluster_that_evicts_is_enough_to_be_refused() {
    let cluster = RedisCluster::start(0, &[]);
    cluster.primaries()[2].command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    let error = RedisStore::connect(&cluster.url(), patient()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Settings, "{error}");
}

#[tokio::test]
async fn what_a_newer_version_has_written_is_refused() {
    let server = RedisServer::start(&[]);
    RedisStore::connect(&server.store_url(), patient()).await.unwrap();
    let key = "tenantry:{p:format}:r";
    assert!(server.command(&["HGET", key, "format"]).contains(&FORMAT.to_string()), "the first store notes it");
    let newer = (FORMAT + 1).to_string();
    server.command(&["HSET", key, "format", &newer]);
    let error = RedisStore::connect(&server.store_url(), patient()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Format, "{error}");
    assert!(error.to_string().contains("run the newer version"), "{error}");
    // Another namespace has a format of its own.
    RedisStore::connect(&server.store_url(), patient().namespace("tenantry-another")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_has_lost_what_it_had_is_not_believed() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::connect(&server.store_url(), patient()).await.unwrap();
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    say(&store, &shard(), 1, &mut changes).await;
    let age = |server: &RedisServer| {
        let answer = server.command(&["HGET", "tenantry:{p:age/0}:r", "age"]);
        answer.lines().nth(1).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    while age(&server) < 2 {
        tokio::task::yield_now().await;
    }
    // It answers as before, and everything is gone.
    server.command(&["FLUSHALL"]);
    until(&mut changes, &Signal::LinkLost).await;
    until(&mut changes, &Signal::LinkBack).await;
    store.commit(&shard(), &loud(2)).await.unwrap();

    // A server that is full, or takes no writes for another reason, has lost nothing.
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let before = age(&server);
    while server.command(&["INFO", "commandstats"]).matches("cmdstat_hincrby").count() == 0 {
        tokio::task::yield_now().await;
    }
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    while age(&server) <= before {
        tokio::task::yield_now().await;
    }
    say(&store, &shard(), 3, &mut changes).await;
    server.stop(Stop::Kill);
    until(&mut changes, &Signal::LinkLost).await;
}
