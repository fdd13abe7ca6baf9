//! The embedded store when its disk is full, and when there is room again.

use std::time::Duration;

use tenantry_core::store::{CommitError, Key, Shard, Store, Txn};
use tenantry_embedded::{EmbeddedStore, OpenErrorKind};
use tenantry_testing::disk::Disk;

fn shard() -> Shard {
    Shard::new('o', "acme")
}

fn line(number: usize) -> Txn {
    let puts = vec![(Key::lasting(format!("row{number}")), vec![b'x'; 2000].into())];
    Txn { puts, appends: vec![("log", number.to_string().into())], ..Txn::default() }
}

/// Everything that was acknowledged is there, each once and whole, and nothing that was certainly not applied.
async fn holds(store: &EmbeddedStore, acknowledged: &[usize], not_applied: &[usize]) {
    let log = store.log(&shard(), "log", None, usize::MAX).await.unwrap();
    let mut lines: Vec<usize> =
        log.iter().map(|(_, text)| std::str::from_utf8(text).unwrap().parse().unwrap()).collect();
    lines.reverse();
    assert!(lines.is_sorted_by(|one, next| one < next), "done twice, or out of order: {lines:?}");
    assert!(acknowledged.iter().all(|number| lines.contains(number)), "acknowledged, and lost");
    assert!(!not_applied.iter().any(|number| lines.contains(number)), "not applied, as the store said, and done");
    for number in &lines {
        let row = store.read(&shard(), &[Key::lasting(format!("row{number}"))]).await.unwrap();
        assert!(row[0].is_some(), "half done");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_forgotten_when_there_is_room_again() {
    let Some(disk) = Disk::of("6m") else { return };
    let path = disk.path().join("store");
    let store = EmbeddedStore::open(&path).unwrap();
    let (mut acknowledged, mut not_applied) = (Vec::new(), Vec::new());
    let mut next = 0..;
    for round in 1..=3 {
        let mut refused = 0;
        while refused < 5 {
            let number = next.next().unwrap();
            match store.commit(&shard(), &line(number)).await {
                Ok(_) => acknowledged.push(number),
                Err(CommitError::NotApplied(_)) => {
                    not_applied.push(number);
                    refused += 1;
                }
                Err(CommitError::Unavailable(_)) => refused += 1,
                Err(error) => panic!("nothing is checked, so nothing can be refused: {error}"),
            }
        }
        disk.resize(&format!("{}m", 6 + 6 * round));
        // The same store, and nobody opens it anew: neither who reads, nor who writes.
        while store.log(&shard(), "log", None, 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        holds(&store, &acknowledged, &not_applied).await;
        for _ in 0..20 {
            let number = next.next().unwrap();
            store.commit(&shard(), &line(number)).await.expect("there is room again");
            acknowledged.push(number);
        }
    }
    assert!(!not_applied.is_empty(), "the store was to know of some that they were not applied");
    drop(store);
    holds(&EmbeddedStore::open(&path).unwrap(), &acknowledged, &not_applied).await;
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
