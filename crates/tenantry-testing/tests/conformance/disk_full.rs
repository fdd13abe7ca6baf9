//! The embedded store when its disk is full, and when there is room again.

use std::sync::Arc;

use tenantry_core::store::{Shard, Store};
use tenantry_embedded::{EmbeddedStore, OpenErrorKind};
use tenantry_testing::{conformance::Load, disk::Disk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_forgotten_when_there_is_room_again() {
    let Some(disk) = Disk::of("6m") else { return };
    let path = disk.path().join("store");
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&path).unwrap());
    let load = Load::start(&store, &Shard::new('o', "acme"));
    for _ in 0..3 {
        load.acknowledged(20).await;
        disk.fill();
        load.unavailable().await;
        disk.clear();
        // The same store, and nobody opens it anew: neither who writes, nor who reads.
        load.acknowledged(20).await;
        store.ping().await.expect("it takes commits again");
    }
    let trail = load.end().await;
    trail.holds(&*store).await;
    assert!(trail.not_applied() > 0, "the store was to know of some that they were not applied");
    drop(store);
    trail.holds(&EmbeddedStore::open(&path).unwrap()).await;
}

#[tokio::test]
async fn a_file_of_a_newer_version_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(EmbeddedStore::open(&path).unwrap());
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u64>::new("tenantry-format");
    transaction.open_table(format).unwrap().insert("version", 1000).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Newer, "{error}");
    assert!(error.to_string().contains("run that version, or a newer one"), "{error}");
}
