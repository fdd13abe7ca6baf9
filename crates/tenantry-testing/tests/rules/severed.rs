//! A store in the midst of a crash.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_core::store::{
    Changes, CommitError, Committed, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
};

/// A store whose organizations cannot be written while it is cut off, and that is gone after so many commits.
#[derive(Debug)]
pub(crate) struct Severed {
    store: Arc<dyn Store>,
    pub(crate) cut: AtomicBool,
    pub(crate) commits_left: AtomicUsize,
}

impl Severed {
    pub(crate) fn new(store: Arc<dyn Store>, cut: bool) -> Self {
        Self { store, cut: AtomicBool::new(cut), commits_left: AtomicUsize::new(usize::MAX) }
    }
}

#[async_trait]
impl Store for Severed {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.store.read(shard, keys).await
    }
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.store.range(shard, range).await
    }
    async fn numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.store.numbers(shard, index, keys).await
    }
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.store.sorted_range(shard, range).await
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
        let less = |left: usize| left.checked_sub(1);
        let gone = self.commits_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err();
        if gone || self.cut.load(Ordering::SeqCst) && shard.as_str().starts_with("o:") {
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
