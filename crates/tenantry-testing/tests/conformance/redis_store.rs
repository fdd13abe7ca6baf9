//! The Redis store on a healthy server.

use std::{future::ready, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tenantry_core::{
    store::{
        Changes, Check, CommitError, Key, Shard, Store, Txn,
        change::{Change, Signal},
    },
    values::{
        clock::{Clock as _, SystemClock, Timestamp},
        ids::OrganizationId,
    },
};
use tenantry_redis::{ConnectErrorKind, Options, RedisStore};
use tenantry_testing::redis_server::{NAMESPACE, RedisServer};

use crate::conforms;

/// How long the silence may be. Generous: it only ends what would never end.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The namespace of a test, which the test servers' user may use.
pub(crate) fn namespace(test: &str) -> String {
    format!("{NAMESPACE}-{test}")
}

/// Options for a store for which nothing takes too long: a machine that has much else to do decides no test.
pub(crate) fn patient() -> Options {
    let patience = Duration::from_secs(60);
    Options::new().connect_timeout(patience).response_timeout(patience).overall_timeout(2 * patience)
}

/// A patient store on `server`, in the namespace of `test`.
pub(crate) async fn connect(server: &RedisServer, test: &str) -> RedisStore {
    let options = patient().namespace(namespace(test));
    RedisStore::connect(&server.store_url(), options).await.expect("the server runs")
}

/// A transaction that says so to all nodes.
pub(crate) fn loud(number: u8) -> Txn {
    Txn { puts: vec![(Key::lasting("row"), vec![number].into())], notices: vec![change(number)], ..Txn::default() }
}

pub(crate) fn change(number: u8) -> Change {
    Change::Organization(OrganizationId::from_parts(Timestamp::from_millis(1), [number; 10]))
}

pub(crate) fn shard() -> Shard {
    Shard::new('o', "acme")
}

/// What is heard next, but for proofs.
pub(crate) async fn next(changes: &mut Changes) -> Signal {
    let mut notices = changes.filter(|signal| ready(!matches!(signal, Signal::Proven(_))));
    tokio::time::timeout(SILENCE_MAX, notices.next()).await.expect("never silence").expect("the store is there")
}

/// Waits until it is proven that everything was heard which was acknowledged before now.
pub(crate) async fn proven(changes: &mut Changes) {
    let now = SystemClock.elapsed();
    let mut proofs = changes.filter(|signal| ready(matches!(signal, Signal::Proven(before) if *before > now)));
    tokio::time::timeout(SILENCE_MAX, proofs.next())
        .await
        .expect("proofs come again and again")
        .expect("the store is there");
}

/// Waits until `signal` is heard. Whatever else is heard may well be.
pub(crate) async fn until(changes: &mut Changes, signal: &Signal) {
    while next(changes).await != *signal {}
}

/// Commits, and waits until that is heard. A listener that missed it was told that the link was lost: then once more.
pub(crate) async fn say(store: &dyn Store, shard: &Shard, number: u8, changes: &mut Changes) {
    loop {
        while store.commit(shard, &loud(number)).await.is_err() {}
        loop {
            match next(changes).await {
                Signal::Changed(heard) if heard == change(number) => return,
                Signal::LinkLost => break until(changes, &Signal::LinkBack).await,
                Signal::Changed(_) | Signal::LinkBack | Signal::Proven(_) => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_one_node() {
    let server = RedisServer::shared();
    let nodes: Vec<Arc<dyn Store>> =
        vec![Arc::new(connect(server, "conform").await), Arc::new(connect(server, "conform").await)];
    conforms(nodes, "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_valkey() {
    let Some(server) = RedisServer::start_valkey(&[]) else { return };
    assert!(server.command(&["INFO", "server"]).contains("valkey_version"));
    let nodes: Vec<Arc<dyn Store>> =
        vec![Arc::new(connect(&server, "conform").await), Arc::new(connect(&server, "conform").await)];
    conforms(nodes, "valkey").await;
}

#[tokio::test]
async fn two_stores_on_one_server_are_nodes_of_one_system() {
    let server = RedisServer::shared();
    let (a, b) = (connect(server, "two-stores").await, connect(server, "two-stores").await);
    let mut changes = b.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    a.commit(&shard(), &loud(1)).await.unwrap();
    assert_eq!(b.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [Some(vec![1].into())]);
    until(&mut changes, &Signal::Changed(change(1))).await;
    proven(&mut changes).await;
    proven(&mut changes).await;
}

#[tokio::test]
async fn two_namespaces_do_not_see_each_other() {
    let server = RedisServer::shared();
    let (a, b) = (connect(server, "namespace-a").await, connect(server, "namespace-b").await);
    let mut changes = b.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    a.commit(&shard(), &loud(1)).await.unwrap();
    assert_eq!(b.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [None]);
    b.commit(&shard(), &loud(2)).await.unwrap();
    loop {
        match next(&mut changes).await {
            Signal::Changed(heard) => return assert_eq!(heard, change(2)),
            Signal::LinkLost | Signal::LinkBack | Signal::Proven(_) => {}
        }
    }
}

#[tokio::test]
async fn a_notice_of_another_version_means_that_anything_may_have_changed() {
    let server = RedisServer::shared();
    let store = connect(server, "another-version").await;
    let mut changes = store.changes();
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
    server.command(&["PUBLISH", "tenantry-another-version:changes", "something new"]);
    assert_eq!(next(&mut changes).await, Signal::LinkLost);
    assert_eq!(next(&mut changes).await, Signal::LinkBack);
}

#[tokio::test]
async fn a_foreign_key_is_found_before_anything_is_written() {
    let server = RedisServer::shared();
    let store = connect(server, "foreign").await;
    server.command(&["SET", "tenantry-foreign:{o:acme}:l:log", "not a list"]);
    let txn = Txn { appends: vec![("log", "x".into())], ..loud(1) };
    let error = store.commit(&shard(), &txn).await.unwrap_err();
    assert!(matches!(&error, CommitError::NotApplied(_)), "{error}");
    assert!(error.to_string().contains("key tenantry-foreign:{o:acme}:r, or one of the same shard,"), "{error}");
    assert_eq!(store.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [None]);
}

#[tokio::test]
async fn foreign_rows_are_named_too() {
    let server = RedisServer::shared();
    let store = connect(server, "foreign-rows").await;
    server.command(&["SET", "tenantry-foreign-rows:{o:acme}:r", "not a hash"]);
    let row: (Key, Bytes) = (Key::lasting("row"), "x".into());
    let absent = Check { key: row.0.clone(), expected: None };
    let put = Txn { puts: vec![row], ..Txn::default() };
    let claim = Txn { checks: vec![absent.clone()], ..put.clone() };
    let (checked, written) = (Txn { checks: vec![absent], ..loud(1) }, loud(1));
    for txn in [put, claim, checked, written] {
        let error = store.commit(&shard(), &txn).await.unwrap_err();
        assert!(matches!(&error, CommitError::NotApplied(_)), "{error}");
        assert!(error.to_string().contains("key tenantry-foreign-rows:{o:acme}:r"), "{error}");
    }
}

#[tokio::test]
async fn a_commit_that_no_replica_confirms_is_unavailable() {
    let server = RedisServer::start(&[]);
    let options = Options::new().wait_replicas(1).response_timeout(Duration::from_millis(100));
    let store = RedisStore::connect(&server.store_url(), options).await.unwrap();
    let error = store.commit(&shard(), &loud(1)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("applied on the primary, but not confirmed: 0 of 1 replicas"), "{text}");
    assert_eq!(store.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [Some(vec![1].into())]);

    let replica = replica_of(&server).await;
    // The replica reports how far it is once a second: the first WAIT after it has come may still miss it.
    while store.commit(&shard(), &loud(2)).await.is_err() {}
    assert!(replica.command(&["HGET", "tenantry:{o:acme}:r", "row"]).contains('\u{2}'));
}

async fn replica_of(server: &RedisServer) -> RedisServer {
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &server.port().to_string()]);
    while !replica.command(&["INFO", "replication"]).contains("master_link_status:up") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    replica
}

#[tokio::test]
async fn many_commits_wait_for_replicas_together() {
    let server = RedisServer::start(&[]);
    let _replica = replica_of(&server).await;
    let store = RedisStore::connect(&server.store_url(), Options::new().wait_replicas(1)).await.unwrap();
    while store.commit(&shard(), &loud(0)).await.is_err() {}
    let waits = || {
        let stats = server.command(&["INFO", "commandstats"]);
        let calls = stats.split_once("cmdstat_wait:calls=").and_then(|(_, rest)| rest.split_once(','));
        calls.map_or(0, |(calls, _)| calls.parse::<u64>().unwrap())
    };
    let before = waits();
    let rows: Vec<_> = (0..64).map(|number| Key::lasting(format!("row-{number}"))).collect();
    let commits = rows.iter().map(async |row| {
        let puts = vec![(row.clone(), row.name().to_owned().into())];
        // What is one command, and what is a script; and somebody gives up among them.
        let with_notice = Txn { puts: puts.clone(), ..loud(1) };
        store.commit(&shard(), &Txn { puts, ..Txn::default() }).await.unwrap();
        store.commit(&shard(), &with_notice).await.unwrap();
    });
    let (home, txn) = (shard(), loud(2));
    let give_up = async {
        tokio::select! {
            biased;
            answer = store.commit(&home, &txn) => panic!("nothing was sent yet: {answer:?}"),
            () = std::future::ready(()) => {}
        }
    };
    tokio::join!(give_up, futures_util::future::join_all(commits));
    assert!(store.read(&shard(), &rows).await.unwrap().iter().all(Option::is_some));
    let waited = waits() - before;
    assert!((1..=16).contains(&waited), "{waited} times for 128 commits");
}

#[tokio::test]
async fn a_url_that_cannot_work_is_an_error_without_its_password() {
    let server = RedisServer::start(&[]);
    server.command(&["ACL", "SETUSER", "default", "resetpass", ">hunter2"]);
    let port = server.port();
    for (url, kind) in [
        ("redis://:hunter2@127.0.0.1:1".to_owned(), ConnectErrorKind::Unreachable),
        ("http://:hunter2@127.0.0.1".to_owned(), ConnectErrorKind::Options),
        (format!("redis://:hunter2x@127.0.0.1:{port}"), ConnectErrorKind::Unreachable),
        (format!("redis://127.0.0.1:{port}"), ConnectErrorKind::Unreachable),
    ] {
        let error = RedisStore::connect(&url, Options::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let store = RedisStore::connect(&format!("redis://:hunter2@127.0.0.1:{port}"), patient()).await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
    store.ping().await.unwrap();
}
