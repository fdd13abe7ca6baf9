//! The store itself: reads at once, hands commits to the writer.

use std::{fmt, path::Path, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_timer::Delay;
use futures_util::future::{Either, select};
use tenantry_core::{
    store::{
        Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn,
        Unavailable, change::Signal, hub::Hub,
    },
    values::clock::{Clock, SystemClock},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    handle::Handle,
    open::OpenError,
    reader,
    writer::{Answer, Job, Writer},
};

/// How many commits may wait for the writer; a further one waits for a place.
const QUEUE_MAX: usize = 1024;
/// After this time a commit is given up. Real time, whatever the clock says: it is a disk that does not answer.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps the state in memory or in one file. See the [crate](crate) for what that means.
///
/// Dropping it waits for the commit that is being written, if there is one, and closes the file.
pub struct EmbeddedStore {
    database: Arc<Handle>,
    clock: Arc<dyn Clock>,
    hub: Arc<Hub>,
    /// `None` only while the store is being dropped.
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<thread::JoinHandle<()>>,
    place: String,
}

impl EmbeddedStore {
    /// An empty store that is gone when it is dropped.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::in_memory_with_clock(Arc::new(SystemClock))
    }

    /// As [`in_memory`](Self::in_memory); rows with a lifetime end by `clock`.
    pub fn in_memory_with_clock(clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::start(None, clock)
    }

    /// The store in the file at `path`, which is made if it is absent. Its directory must exist.
    ///
    /// Blocks while the file is read; after a crash, while it is repaired.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with_clock(path, Arc::new(SystemClock))
    }

    /// As [`open`](Self::open); rows with a lifetime end by `clock`.
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::start(Some(path.as_ref()), clock)
    }

    fn start(path: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Arc::new(Handle::open(path.map(Path::to_owned))?);
        let hub = Arc::new(Hub::new());
        hub.tell(Signal::LinkBack);
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let last_batch = database.last_batch().unwrap_or(0);
        let writer = Writer { database: database.clone(), clock: clock.clone(), hub: hub.clone(), last_batch };
        let writer = thread::Builder::new()
            .name("tenantry-writer".to_owned())
            .spawn(move || writer.run(jobs))
            .map_err(|error| OpenError::unreadable(path, error))?;
        let place = path.map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
        Ok(Self { database, clock, hub, queue: Some(queue), writer: Some(writer), place })
    }

    async fn write(&self, shard: &Shard, txn: &Txn, others: &[(Shard, Txn)]) -> Answer {
        match select(Box::pin(self.enqueue(shard, txn, others)), Delay::new(COMMIT_TIMEOUT)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                let reason = format!("the disk has not taken the commit within {} s", COMMIT_TIMEOUT.as_secs());
                Err(Unavailable::new(reason).into())
            }
        }
    }

    async fn enqueue(&self, shard: &Shard, txn: &Txn, others: &[(Shard, Txn)]) -> Answer {
        let gone = || Unavailable::until_restart("the writer of the database has died: restart this process");
        let never_asked = || CommitError::NotApplied(gone());
        let (answer, answered) = oneshot::channel();
        let job = Job { shard: shard.clone(), txn: txn.clone(), others: others.to_vec(), answer };
        self.queue.as_ref().ok_or_else(never_asked)?.send(job).await.map_err(|_| never_asked())?;
        answered.await.map_err(|_| gone())?
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        // The writer ends when the queue does. Waiting for it means that the file can be opened again right away.
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // An error is a panic of the writer, which its callers have been told.
            let _ = writer.join();
        }
    }
}

/// Reads run on the caller's thread: a read looks at a few pages, nearly always in memory, and takes microseconds,
/// less than handing it to another thread would. They take no lock that the writer holds while it syncs.
#[async_trait]
impl Store for EmbeddedStore {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.database.with(|database| reader::rows(database, shard, keys, self.clock.now()))
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.database.with(|database| reader::range(database, shard, range))
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.database.with(|database| reader::sorted_range(database, shard, range))
    }

    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.database.with(|database| reader::numbers(database, shard, index, keys))
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.database.with(|database| reader::log(database, shard, log, before, limit))
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        Txn::check_size([txn])?;
        // Without others, none of them is refused.
        self.write(shard, txn, &[]).await.map(Option::unwrap_or_default)
    }

    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        if Txn::check_size(others.iter().map(|(_, txn)| txn).chain([txn])).is_err() {
            return Ok(None);
        }
        self.write(shard, txn, others).await
    }

    fn changes(&self) -> Changes {
        self.hub.listen()
    }

    /// An empty commit: it passes through the writer and the disk.
    async fn ping(&self) -> Result<(), Unavailable> {
        match self.commit(&Shard::new('p', "ping"), &Txn::default()).await.map_err(CommitError::into_unavailable) {
            Err(Ok(unavailable)) => Err(unavailable),
            Ok(_) | Err(Err(_)) => Ok(()),
        }
    }
}
