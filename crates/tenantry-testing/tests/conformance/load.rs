//! Commits without a pause, and what became of them: none is lost, none is done twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tenantry_core::store::{Add, CommitError, Entry, Key, Shard, Store, Txn, Unavailable};
use tokio::task::JoinHandle;

/// How many commit at the same time.
const WRITERS: usize = 4;

/// Commits to one shard until it is ended.
pub(crate) struct Load {
    store: Arc<dyn Store>,
    shard: Shard,
    progress: Arc<Progress>,
    writers: Vec<JoinHandle<Written>>,
}

/// What became of the commits of a writer.
#[derive(Default)]
struct Written {
    acknowledged: BTreeSet<String>,
    /// The store said for certain that they were not applied.
    not_applied: BTreeSet<String>,
}

#[derive(Default)]
struct Progress {
    over: AtomicBool,
    acknowledged: AtomicUsize,
    unavailable: AtomicUsize,
}

impl Load {
    pub(crate) fn start(store: &Arc<dyn Store>, shard: &Shard) -> Self {
        let progress = Arc::<Progress>::default();
        let writers = (0..WRITERS)
            .map(|writer| tokio::spawn(write(store.clone(), shard.clone(), progress.clone(), writer)))
            .collect();
        Self { store: store.clone(), shard: shard.clone(), progress, writers }
    }

    /// Waits until so many more commits are acknowledged. Nobody else decides how long that takes.
    pub(crate) async fn acknowledged(&self, more: usize) {
        let wanted = self.progress.acknowledged.load(Ordering::Relaxed) + more;
        while self.progress.acknowledged.load(Ordering::Relaxed) < wanted {
            self.yields().await;
        }
    }

    async fn yields(&self) {
        assert!(!self.writers.iter().any(JoinHandle::is_finished), "a writer has failed; its message is above");
        tokio::task::yield_now().await;
    }

    /// Waits until a commit that begins now is not acknowledged.
    pub(crate) async fn unavailable(&self) {
        let wanted = self.progress.unavailable.load(Ordering::Relaxed) + 1 + WRITERS;
        while self.progress.unavailable.load(Ordering::Relaxed) < wanted {
            self.yields().await;
        }
    }

    /// Ends it, and looks what there is: everything that was acknowledged, each change once and whole. Answers how
    /// many commits were not acknowledged.
    pub(crate) async fn settle(self) -> usize {
        self.progress.over.store(true, Ordering::Relaxed);
        let (mut acknowledged, mut not_applied) = (BTreeSet::new(), BTreeSet::new());
        for writer in self.writers {
            let mut written = writer.await.unwrap();
            acknowledged.append(&mut written.acknowledged);
            not_applied.append(&mut written.not_applied);
        }
        let log = self.store.log(&self.shard, "log", None, usize::MAX).await.unwrap();
        let mut times = BTreeMap::<Bytes, usize>::new();
        for (_, entry) in &log {
            *times.entry(entry.clone()).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "done more than once: {twice:?}");
        let lost: Vec<_> = acknowledged.iter().filter(|text| !times.contains_key(text.as_bytes())).collect();
        assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
        let denied: Vec<_> = not_applied.iter().filter(|text| times.contains_key(text.as_bytes())).collect();
        assert!(denied.is_empty(), "not applied, as the store said, and done: {denied:?}");
        let counted = self.store.read(&self.shard, &[counter()]).await.unwrap();
        assert_eq!(counted, [Some(log.len().to_string().into())], "half done: the log is longer or shorter");
        self.progress.unavailable.load(Ordering::Relaxed)
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
        index_puts: vec![Entry { index: crate::INDEX, key: "entry".to_owned(), number: None }],
        appends: vec![("log", text.to_owned().into())],
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
            Err(CommitError::NotApplied(_)) => {
                written.not_applied.insert(text);
                progress.unavailable.fetch_add(1, Ordering::Relaxed);
            }
            Err(CommitError::Unavailable(_)) => {
                progress.unavailable.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => panic!("nothing is checked, so nothing can be refused: {error}"),
        }
        // Whoever is slow waits for nobody here; a refusal at once must not starve the others.
        tokio::task::yield_now().await;
    }
    written
}

/// Reads a shard again and again: every answer must come.
pub(crate) struct Reader {
    progress: Arc<Progress>,
    reading: JoinHandle<Result<(), Unavailable>>,
}

impl Reader {
    pub(crate) fn start(store: &Arc<dyn Store>, shard: &Shard) -> Self {
        let progress = Arc::<Progress>::default();
        let (store, shard, counts) = (store.clone(), shard.clone(), progress.clone());
        let reading = tokio::spawn(async move {
            while !counts.over.load(Ordering::Relaxed) {
                store.read(&shard, &[counter()]).await?;
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            Ok(())
        });
        Self { progress, reading }
    }

    /// Waits until so many more reads are answered.
    pub(crate) async fn answered(&self, more: usize) {
        let wanted = self.progress.acknowledged.load(Ordering::Relaxed) + more;
        while self.progress.acknowledged.load(Ordering::Relaxed) < wanted && !self.reading.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Ends it: not one answer may have failed.
    pub(crate) async fn settle(self) {
        self.progress.over.store(true, Ordering::Relaxed);
        self.reading.await.unwrap().expect("nothing happened to this shard's primary");
    }
}
