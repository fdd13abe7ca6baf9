//! Counts what the store is asked for, and how often a commit came too late.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_core::store::{
    Changes, CommitError, Committed, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
};

/// A store that tallies every call, and passes it on.
#[derive(Debug)]
pub(crate) struct Tally {
    store: Arc<dyn Store>,
    calls: AtomicU64,
    conflicts: AtomicU64,
}

/// What was counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// Calls, each of which is one round trip.
    pub(crate) calls: u64,
    /// Commits that found something changed since it was read: each makes an operation decide anew.
    pub(crate) conflicts: u64,
}

impl Tally {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, calls: AtomicU64::new(0), conflicts: AtomicU64::new(0) }
    }

    /// What was counted since this was last asked.
    pub(crate) fn take(&self) -> Counted {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Counted { calls: take(&self.calls), conflicts: take(&self.conflicts) }
    }

    fn call(&self) -> &dyn Store {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &*self.store
    }
}

#[async_trait]
impl Store for Tally {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.call().read(shard, keys).await
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.call().range(shard, range).await
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.call().sorted_range(shard, range).await
    }

    async fn numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.call().numbers(shard, index, keys).await
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.call().log(shard, log, before, limit).await
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        let committed = self.call().commit(shard, txn).await;
        if matches!(committed, Err(CommitError::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        committed
    }

    fn changes(&self) -> Changes {
        self.store.changes()
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}
