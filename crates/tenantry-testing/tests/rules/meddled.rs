//! A store whose calls a test meddles with.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_core::store::{
    Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
};

/// What happens beside the calls of a store. They go through unless it says otherwise.
#[async_trait]
pub(crate) trait Meddling: fmt::Debug + Send + Sync + 'static {
    /// Rows of this shard are about to be read. What it gives is held until they are.
    async fn before_read(&self, _: &Shard) -> Option<Box<dyn Send>> {
        None
    }
    /// So many entries of a sorted index were answered.
    fn listed(&self, _: &Shard, _: usize) {}
    /// This is about to be committed, unless it is refused.
    async fn before_commit(&self, _: &Shard, _: &Txn) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// A store, and what meddles with it.
#[derive(Debug)]
pub(crate) struct Meddled<M> {
    store: Arc<dyn Store>,
    meddling: M,
}

impl<M> Meddled<M> {
    pub(crate) fn new(store: Arc<dyn Store>, meddling: M) -> Arc<Self> {
        Arc::new(Self { store, meddling })
    }
}

impl<M> Deref for Meddled<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.meddling
    }
}

#[async_trait]
impl<M: Meddling> Store for Meddled<M> {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        let _held = self.meddling.before_read(shard).await;
        self.store.read(shard, keys).await
    }
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.store.range(shard, range).await
    }
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        let entries = self.store.sorted_range(shard, range).await?;
        self.meddling.listed(shard, entries.len());
        Ok(entries)
    }
    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
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
    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        self.store.barrier(shard).await
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        self.meddling.before_commit(shard, txn).await?;
        self.store.commit(shard, txn).await
    }
    fn changes(&self) -> Changes {
        self.store.changes()
    }
    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

/// In the midst of a crash: organizations cannot be written while they are cut off, and after so many commits nothing can.
#[derive(Debug)]
pub(crate) struct Severed {
    pub(crate) cut: AtomicBool,
    pub(crate) commits_left: AtomicUsize,
}

impl Severed {
    pub(crate) fn over(store: Arc<dyn Store>, cut: bool) -> Arc<Meddled<Self>> {
        Meddled::new(store, Self { cut: AtomicBool::new(cut), commits_left: AtomicUsize::new(usize::MAX) })
    }
}

#[async_trait]
impl Meddling for Severed {
    async fn before_commit(&self, shard: &Shard, _: &Txn) -> Result<(), Unavailable> {
        let less = |left: usize| left.checked_sub(1);
        let gone = self.commits_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err();
        let cut = self.cut.load(Ordering::SeqCst) && shard.as_str().starts_with("o:");
        if gone || cut { Err(Unavailable::new("cut off")) } else { Ok(()) }
    }
}
