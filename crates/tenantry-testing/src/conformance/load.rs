//! Commits without a pause, while whoever tests a store breaks it and mends it, and what became of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tenantry_core::store::{Add, CommitError, Entry, Key, Shard, Store, Txn};
use tokio::task::JoinHandle;

use super::INDEX;

const LOG: &str = "log";
/// How many commit at the same time.
const WRITERS: usize = 4;
const POLL_EVERY: Duration = Duration::from_millis(1);

/// Commits to one shard until it is ended. In between the store is broken and mended, by its tests, which know how.
///
/// ```
/// use std::sync::Arc;
///
/// use tenantry_core::store::{Shard, Store};
/// use tenantry_embedded::EmbeddedStore;
/// use tenantry_testing::conformance::Load;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store: Arc<dyn Store> = Arc::new(EmbeddedStore::in_memory()?);
/// let load = Load::start(&store, &Shard::new('o', "acme"));
/// load.acknowledged(50).await;
/// // Here the store would be broken, and then: `load.unavailable().await`. Here it would be mended.
/// load.acknowledged(50).await;
/// let trail = load.end().await;
/// // Here it would be closed, and opened again.
/// trail.holds(&*store).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Load {
    store: Arc<dyn Store>,
    shard: Shard,
    progress: Arc<Progress>,
    writers: Vec<JoinHandle<Written>>,
}

/// What became of the commits of a [`Load`].
#[derive(Debug)]
pub struct Trail {
    shard: Shard,
    written: Written,
    unavailable: usize,
}

#[derive(Debug, Default)]
struct Written {
    acknowledged: BTreeSet<String>,
    /// The store said for certain that they were not applied.
    not_applied: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Progress {
    over: AtomicBool,
    acknowledged: AtomicUsize,
    unavailable: AtomicUsize,
}

impl Load {
    /// Begins. Nobody else may write to the shard.
    #[must_use]
    pub fn start(store: &Arc<dyn Store>, shard: &Shard) -> Self {
        let progress = Arc::<Progress>::default();
        let writers = (0..WRITERS)
            .map(|writer| tokio::spawn(write(store.clone(), shard.clone(), progress.clone(), writer)))
            .collect();
        Self { store: store.clone(), shard: shard.clone(), progress, writers }
    }

    /// Waits until so many more commits are acknowledged, however long that takes.
    ///
    /// # Panics
    /// When a commit was refused, with an error that says that the store looked at it.
    pub async fn acknowledged(&self, more: usize) {
        let wanted = self.progress.acknowledged.load(Ordering::Relaxed) + more;
        while self.progress.acknowledged.load(Ordering::Relaxed) < wanted {
            self.pause().await;
        }
    }

    /// Waits until a commit that begins now is not acknowledged, however long that takes.
    ///
    /// # Panics
    /// When a commit was refused, with an error that says that the store looked at it.
    pub async fn unavailable(&self) {
        let wanted = self.progress.unavailable.load(Ordering::Relaxed) + 1 + WRITERS;
        while self.progress.unavailable.load(Ordering::Relaxed) < wanted {
            self.pause().await;
        }
    }

    /// Waits before the next look.
    async fn pause(&self) {
        assert!(!self.writers.iter().any(JoinHandle::is_finished), "a writer has failed; its message is above");
        tokio::time::sleep(POLL_EVERY).await;
    }

    /// Ends it: what every opening of the store must show from now on.
    ///
    /// # Panics
    /// When a commit was refused, with an error that says that the store looked at it.
    pub async fn end(self) -> Trail {
        self.progress.over.store(true, Ordering::Relaxed);
        let mut all = Written::default();
        for writer in self.writers {
            let mut written = writer.await.unwrap_or_else(|_| panic!("a writer has failed; its message is above"));
            all.acknowledged.append(&mut written.acknowledged);
            all.not_applied.append(&mut written.not_applied);
        }
        Trail { shard: self.shard, written: all, unavailable: self.progress.unavailable.load(Ordering::Relaxed) }
    }

    /// Ends it, and looks what there is. Answers how many commits were not acknowledged.
    ///
    /// # Panics
    /// As [`Trail::holds`].
    pub async fn settle(self) -> usize {
        let store = self.store.clone();
        let trail = self.end().await;
        trail.holds(&*store).await;
        trail.unavailable
    }
}

impl Trail {
    /// The store has everything that was acknowledged, each change once and whole, and nothing of which it said that it
    /// was not applied.
    ///
    /// # Panics
    /// When that is not so, or the store cannot be read.
    pub async fn holds(&self, store: &dyn Store) {
        let log = store.log(&self.shard, LOG, None, usize::MAX).await;
        let log = log.unwrap_or_else(|error| panic!("the log cannot be read: {error}"));
        let mut times = BTreeMap::<Bytes, usize>::new();
        for (_, entry) in &log {
            *times.entry(entry.clone()).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "done more than once: {twice:?}");
        let Written { acknowledged, not_applied } = &self.written;
        let lost: Vec<_> = acknowledged.iter().filter(|text| !times.contains_key(text.as_bytes())).collect();
        assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
        let denied: Vec<_> = not_applied.iter().filter(|text| times.contains_key(text.as_bytes())).collect();
        assert!(denied.is_empty(), "not applied, as the store said, and done: {denied:?}");
        let counted = store.read(&self.shard, &[counter()]).await;
        let counted = counted.unwrap_or_else(|error| panic!("the counter cannot be read: {error}"));
        assert_eq!(counted, [Some(log.len().to_string().into())], "half done: the log is longer or shorter");
    }

    /// Of how many commits the store said that they were certainly not applied.
    #[must_use]
    pub fn not_applied(&self) -> usize {
        self.written.not_applied.len()
    }
}

fn counter() -> Key {
    Key::lasting("counter")
}

/// One change of everything that a shard has.
fn txn(text: &str) -> Txn {
    let passing = Key::passing("passing", std::time::Duration::from_secs(3600));
    Txn {
        adds: vec![Add { key: counter(), by: 1, min: None, max: None }],
        puts: vec![(passing, text.to_owned().into())],
        index_puts: vec![Entry { index: INDEX, key: "entry".to_owned(), number: None }],
        appends: vec![(LOG, text.to_owned().into())],
        ..Txn::default()
    }
}

async fn write(store: Arc<dyn Store>, shard: Shard, progress: Arc<Progress>, writer: usize) -> Written {
    let mut written = Written::default();
    for number in 0.. {
        if progress.over.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{writer}-{number}");
        match store.commit(&shard, &txn(&text)).await {
            Ok(_) => {
                written.acknowledged.insert(text);
                progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => {
                if matches!(error, CommitError::NotApplied(_)) {
                    written.not_applied.insert(text);
                }
                progress.unavailable.fetch_add(1, Ordering::Relaxed);
                // A refusal at once must not starve the others.
                tokio::time::sleep(POLL_EVERY).await;
            }
            Err(error) => panic!("nothing is checked, so nothing can be refused: {error}"),
        }
        // A store that answers without waiting must not, either.
        tokio::task::yield_now().await;
    }
    written
}
