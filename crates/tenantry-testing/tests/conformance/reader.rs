//! Reads without a pause.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tenantry_core::store::{Key, Shard, Store, Unavailable};
use tokio::task::JoinHandle;

#[derive(Default)]
struct Progress {
    over: AtomicBool,
    answered: AtomicUsize,
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
                store.read(&shard, &[Key::lasting("counter")]).await?;
                counts.answered.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            Ok(())
        });
        Self { progress, reading }
    }

    /// Waits until so many more reads are answered.
    pub(crate) async fn answered(&self, more: usize) {
        let wanted = self.progress.answered.load(Ordering::Relaxed) + more;
        while self.progress.answered.load(Ordering::Relaxed) < wanted && !self.reading.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Ends it: not one answer may have failed.
    pub(crate) async fn settle(self) {
        self.progress.over.store(true, Ordering::Relaxed);
        self.reading.await.unwrap().expect("nothing happened to this shard's primary");
    }
}
