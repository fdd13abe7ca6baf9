//! Counts what a store is asked for: to show that a cost does not grow with what there is.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tenantry_core::{engine::{Engine, operation::Request}, operations::organizations::List, access::registry::Registry};
//! use tenantry_embedded::EmbeddedStore;
//! use tenantry_testing::{actors, counting::Counting};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(Counting::new(Arc::new(EmbeddedStore::in_memory()?)));
//! let engine = Engine::new(store.clone(), Registry::builder().build()?);
//! engine.run(&Request::new(actors::alice()), &List::new()).await?;
//! assert_eq!(store.take().sorted_ranges, 1);
//! # Ok(())
//! # }
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_core::store::{
    Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
};

/// What a store was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of [`Store::read`].
    pub reads: usize,
    /// Rows and numbers that were asked for by their keys.
    pub keys: usize,
    /// Calls of [`Store::range`].
    pub ranges: usize,
    /// Calls of [`Store::sorted_range`].
    pub sorted_ranges: usize,
    /// Calls of [`Store::numbers`].
    pub numbers: usize,
    /// Calls of [`Store::log`].
    pub logs: usize,
    /// Entries of indexes and logs that were answered.
    pub entries: usize,
    /// Calls of [`Store::commit`], and those of [`Store::commit_together`] that decided.
    pub commits: usize,
    /// Those of them that found something changed since it was read: each makes an operation decide anew.
    pub conflicts: usize,
    /// What these commits consisted of: checks, rows, counters, entries, logs and notices.
    pub changes: usize,
    /// How long the rows were that were answered, in bytes.
    pub bytes: usize,
}

impl Counts {
    /// Calls of any kind, each of which is one round trip.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.reads + self.ranges + self.sorted_ranges + self.numbers + self.logs + self.commits
    }
}

/// A store that counts every call, and passes it on.
#[derive(Debug)]
pub struct Counting {
    store: Arc<dyn Store>,
    is_step_by_step: bool,
    counts: Mutex<Counts>,
}

impl Counting {
    /// Counts what `store` is asked for from now on.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, is_step_by_step: false, counts: Mutex::default() }
    }

    /// The same, and never applies transactions of several shards together: as in a cluster.
    #[must_use]
    pub fn step_by_step(store: Arc<dyn Store>) -> Self {
        Self { is_step_by_step: true, ..Self::new(store) }
    }

    /// What was counted since this was last asked.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn count_conflict<T>(&self, committed: Result<T, CommitError>) -> Result<T, CommitError> {
        if matches!(committed, Err(CommitError::Conflict)) {
            self.count(|counts| counts.conflicts += 1);
        }
        committed
    }
}

#[async_trait]
impl Store for Counting {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        let values = self.store.read(shard, keys).await?;
        self.count(|counts| {
            counts.reads += 1;
            counts.keys += keys.len();
            counts.bytes += values.iter().flatten().map(Bytes::len).sum::<usize>();
        });
        Ok(values)
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        let entries = self.store.range(shard, range).await?;
        self.count(|counts| {
            counts.ranges += 1;
            counts.entries += entries.len();
        });
        Ok(entries)
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        let entries = self.store.sorted_range(shard, range).await?;
        self.count(|counts| {
            counts.sorted_ranges += 1;
            counts.entries += entries.len();
        });
        Ok(entries)
    }

    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.count(|counts| {
            counts.numbers += 1;
            counts.keys += keys.len();
        });
        self.store.numbers(shard, index, keys).await
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        let entries = self.store.log(shard, log, before, limit).await?;
        self.count(|counts| {
            counts.logs += 1;
            counts.entries += entries.len();
        });
        Ok(entries)
    }

    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        self.store.barrier(shard).await
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        let changes = changes(txn);
        self.count(|counts| {
            counts.commits += 1;
            counts.changes += changes;
        });
        self.count_conflict(self.store.commit(shard, txn).await)
    }

    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        if self.is_step_by_step {
            return Ok(None);
        }
        let changes = changes(txn) + others.iter().map(|(_, txn)| changes(txn)).sum::<usize>();
        let committed = self.store.commit_together(shard, txn, others).await;
        if !matches!(committed, Ok(None)) {
            self.count(|counts| {
                counts.commits += 1;
                counts.changes += changes;
            });
        }
        self.count_conflict(committed)
    }

    fn changes(&self) -> Changes {
        self.store.changes()
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

/// How many things a transaction requires and does.
fn changes(txn: &Txn) -> usize {
    let Txn {
        is_first: _,
        frees: _,
        ends_shard: _,
        checks,
        puts,
        deletes,
        adds,
        index_puts,
        index_deletes,
        rooms,
        sorted_puts,
        sorted_deletes,
        log_drops,
        appends,
        notices,
    } = txn;
    let rows = checks.len() + puts.len() + deletes.len() + adds.len() + notices.len();
    let logs = log_drops.len() + appends.len();
    let sorted = rooms.len() + sorted_puts.len() + sorted_deletes.len();
    let entries = index_puts.len() + index_deletes.len() + sorted;
    rows + logs + entries
}
