//! The Redis store on a cluster of three primaries with a replica each.

use std::sync::Arc;

use tenantry_core::store::{Key, Shard, Store, change::Signal};
use tenantry_redis::{ConnectErrorKind, Options, RedisStore};
use tenantry_testing::redis_server::{RedisCluster, USER};

use crate::{
    conforms,
    redis_store::{change, loud, namespace, next, patient, until},
};

/// A store on `cluster`, in the namespace of `test`.
async fn connect(cluster: &RedisCluster, test: &str) -> RedisStore {
    RedisStore::connect(&cluster.url(), patient().namespace(namespace(test))).await.expect("the cluster runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_a_cluster() {
    let cluster = RedisCluster::shared();
    let crossing = cluster.nodes()[0].command(&["MGET", "a", "b"]);
    assert!(crossing.contains("CROSSSLOT"), "this cluster would not notice a mistake: {crossing}");
    let nodes: Vec<Arc<dyn Store>> =
        vec![Arc::new(connect(cluster, "conform").await), Arc::new(connect(cluster, "conform").await)];
    conforms(nodes, "cluster").await;
}

#[tokio::test]
async fn every_shard_lies_in_the_slot_of_its_name() {
    let cluster = RedisCluster::shared();
    let store = connect(cluster, "slots").await;
    for name in ["acme", "a}b{c", "{}", "}{", "é ü", "", "%7D"] {
        let shard = Shard::new('o', name);
        store.commit(&shard, &loud(1)).await.unwrap();
        let key = format!("tenantry-slots:{{{shard}}}:r");
        assert!(cluster.primary_of(&key).command(&["HGET", &key, "row"]).contains('\u{1}'), "{key}");
        assert_eq!(store.read(&shard, &[Key::lasting("row")]).await.unwrap(), [Some(vec![1].into())]);
    }
    // Nobody who uses this cluster needs a redirection: the slot is computed as the cluster does.
    for node in cluster.nodes() {
        let errors = node.command(&["INFO", "errorstats"]);
        assert!(!errors.contains("MOVED"), "{errors}");
    }
}

#[tokio::test]
async fn notices_of_all_primaries_are_heard_once() {
    let cluster = RedisCluster::shared();
    let (a, b) = (connect(cluster, "once").await, connect(cluster, "once").await);
    let mut changes = b.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    for number in 0..60 {
        a.commit(&Shard::new('o', &number.to_string()), &loud(number)).await.unwrap();
        // The first that is heard: none comes twice, by way of another node.
        match next(&mut changes).await {
            Signal::Changed(heard) => assert_eq!(heard, change(number)),
            // The machine has much else to do, and this one was missed.
            Signal::LinkLost => until(&mut changes, &Signal::LinkBack).await,
            Signal::LinkBack | Signal::Proven(_) => panic!("it was not lost"),
        }
    }
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_with_the_mend() {
    let cluster = RedisCluster::shared();
    let port = cluster.nodes()[0].port();
    let error = RedisStore::connect(&format!("redis://127.0.0.1:{port}"), Options::new()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    assert!(error.to_string().contains("write redis+cluster://"), "{error}");
    let server = tenantry_testing::redis_server::RedisServer::shared();
    let url = format!("redis+cluster://127.0.0.1:{}", server.port());
    let error = RedisStore::connect(&url, Options::new()).await.unwrap_err();
    assert!(error.to_string().contains("write redis://"), "{error}");
}

#[tokio::test]
async fn every_node_of_the_url_may_be_the_one_that_lives() {
    let cluster = RedisCluster::shared();
    let url = format!("redis+cluster://127.0.0.1:1,127.0.0.1:{}", cluster.nodes()[5].port());
    let options = patient().user(USER.0, USER.1).namespace(namespace("lives"));
    let store = RedisStore::connect(&url, options).await.unwrap();
    let mut changes = store.changes();
    until(&mut changes, &Signal::LinkBack).await;
    store.ping().await.unwrap();
}
