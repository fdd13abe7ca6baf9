//! What a crash in the midst of a creation leaves behind does not count for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tenantry_core::{
    clock::{Clock as _, SystemClock},
    engine::Engine,
    error::ErrorKind,
    host::Host,
    limits,
    operation::Request,
    operations::organizations,
    registry::Registry,
    store::{
        Changes, CommitError, Committed, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
    },
};
use tenantry_testing::{actors, model::ManualClock};

/// A store whose organizations cannot be written while it is cut off.
#[derive(Debug)]
struct Severed {
    store: Arc<dyn Store>,
    cut: AtomicBool,
}

#[async_trait]
impl Store for Severed {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.store.read(shard, keys).await
    }
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.store.range(shard, range).await
    }
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.store.sorted_range(shard, range).await
    }
    async fn numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.store.numbers(shard, index, keys).await
    }
    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.store.log(shard, log, before, limit).await
    }
    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        if self.cut.load(Ordering::SeqCst) && shard.as_str().starts_with("o:") {
            return Err(Unavailable::new("cut off").into());
        }
        self.store.commit(shard, txn).await
    }
    fn changes(&self) -> Changes {
        self.store.changes()
    }
    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

#[tokio::test]
async fn what_a_crash_counted_among_the_owned_is_given_back() {
    let store = Arc::new(Severed { store: crate::in_memory().store().clone(), cut: AtomicBool::new(true) });
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let engine = Engine::builder(store.clone(), Registry::builder().build().expect("what is built in fits together"))
        .clock(clock.clone())
        .host(Host::default().organizations_owned_max(1))
        .build();
    let create = async || {
        let operation: organizations::Create =
            serde_json::from_value(json!({ "name": "Acme" })).expect("the test gives a valid input");
        engine.run(&Request::new(actors::alice()), &operation).await.map_err(|error| error.kind())
    };
    // The commit may have happened: until that is known, it counts.
    assert_eq!(create().await.err(), Some(ErrorKind::Unavailable));
    store.cut.store(false, Ordering::SeqCst);
    assert_eq!(create().await.err(), Some(ErrorKind::OwnedLimit));
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    assert!(create().await.is_ok());
    assert_eq!(create().await.err(), Some(ErrorKind::OwnedLimit));
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    assert_eq!(create().await.err(), Some(ErrorKind::OwnedLimit), "what is owned stays counted");
}
