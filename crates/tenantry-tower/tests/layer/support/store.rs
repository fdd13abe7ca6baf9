//! The embedded store, watched: its reads are counted and can be held up, and its link can be cut.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tenantry_core::store::{
    Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
    change::Signal,
};
use tenantry_embedded::EmbeddedStore;
use tokio::sync::{Semaphore, mpsc};

/// Everything is done by the real store within.
#[derive(Debug)]
pub(crate) struct Watched {
    store: EmbeddedStore,
    reads: AtomicUsize,
    calls: AtomicUsize,
    /// Reads that have been answered by the store and are not handed out yet.
    held: AtomicUsize,
    hold: AtomicBool,
    release: Semaphore,
    away: AtomicBool,
    panics: AtomicBool,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Signal>>>,
}

impl Watched {
    pub(crate) fn new(store: EmbeddedStore) -> Self {
        Self {
            store,
            reads: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            hold: AtomicBool::new(false),
            release: Semaphore::new(0),
            away: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            listeners: Mutex::default(),
        }
    }

    /// How often an authority was read: the rows of an organization and of a caller in it.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// How often anything at all was asked.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The next read is made, and then held up before it answers.
    pub(crate) fn hold_next(&self) {
        self.hold.store(true, Ordering::SeqCst);
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Lets go of what is held.
    pub(crate) fn release(&self) {
        self.release.add_permits(self.held());
    }

    /// Makes every call answer that the store cannot be reached.
    pub(crate) fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// The next read of an authority, once it is let go, panics.
    pub(crate) fn panic_next(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// Tells all listeners something beside the store's own notices.
    pub(crate) fn tell(&self, signal: &Signal) {
        for listener in self.listeners.lock().unwrap().iter() {
            // A listener may be gone.
            let _ = listener.send(signal.clone());
        }
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        let mut listeners = self.listeners.lock().unwrap();
        listeners.retain(|listener| !listener.is_closed());
        listeners.len()
    }

    fn asked(&self) -> Result<(), Unavailable> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.reached()
    }

    fn reached(&self) -> Result<(), Unavailable> {
        if self.away.load(Ordering::SeqCst) { Err(Unavailable::new("cut by the test")) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Watched {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.asked()?;
        let rows = self.store.read(shard, keys).await;
        if shard.as_str().starts_with("o:") && keys.len() >= 3 {
            self.reads.fetch_add(1, Ordering::SeqCst);
            if self.hold.swap(false, Ordering::SeqCst) {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.release.acquire().await.unwrap().forget();
                self.held.fetch_sub(1, Ordering::SeqCst);
            }
            assert!(!self.panics.swap(false, Ordering::SeqCst), "the store panics, as the test wants it");
        }
        rows
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.asked()?;
        self.store.range(shard, range).await
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.asked()?;
        self.store.sorted_range(shard, range).await
    }

    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.asked()?;
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
        self.reached()?;
        self.store.commit(shard, txn).await
    }

    fn changes(&self) -> Changes {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners.lock().unwrap().push(sender);
        let told = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        Box::pin(stream::select(self.store.changes(), told.boxed()))
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}
