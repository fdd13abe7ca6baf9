//! The thread that writes.
//!
//! It is the only one that ever waits for the disk's sync. What has queued up while it waited goes into the next
//! redb transaction together: one sync for all of them.

use std::{io::ErrorKind, sync::Arc};

use tenantry_core::{
    store::{CommitError, Committed, Shard, Txn, Unavailable, change::Signal, hub::Hub},
    values::clock::Clock,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    apply_transaction::apply,
    handle::{self, Handle},
    tables::{BATCH_KEY, Tables},
};

/// How many transactions share a sync at most, so that the first of them does not wait for long.
const BATCH_MAX: usize = 256;
/// How many ended rows each batch sweeps, on top of twice as many as it puts: sweeping always gains on putting.
const SWEEP_MIN: usize = 16;

/// A transaction on its way to the writer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shard: Shard,
    pub(crate) txn: Txn,
    /// What is applied together with it.
    pub(crate) others: Vec<(Shard, Txn)>,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// `None`: nothing was applied, since another transaction that was to be applied together with it is refused.
pub(crate) type Answer = Result<Option<Committed>, CommitError>;

const fn is_applied(answer: &Answer) -> bool {
    matches!(answer, Ok(Some(_)))
}

/// What the thread works with.
pub(crate) struct Writer {
    pub(crate) database: Arc<Handle>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
    /// The number of the last batch that was written.
    pub(crate) last_batch: u64,
}

/// Why a batch was not written.
enum Failure {
    /// The file is closed: nothing was tried.
    Closed,
    /// Nothing of it was written: it had not come so far.
    Before(redb::Error),
    /// The file may have it. If it has, these are the answers.
    Uncertain(redb::Error, Vec<Answer>),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Before(error.into())
    }
}

impl Writer {
    /// Works until the store is dropped. If it panics, the queue's end is dropped with it, which every waiting and
    /// every later caller notices.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let _mourner = Mourner(self.hub.clone());
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while let Some(job) = queue.blocking_recv() {
            batch.push(job);
            while batch.len() < BATCH_MAX
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
            match self.write(&batch) {
                Ok(answers) => self.acknowledge(batch.drain(..), answers),
                Err(failure) => self.recover(batch.drain(..), failure),
            }
        }
    }

    /// Applies the batch in one durable transaction.
    fn write(&mut self, batch: &[Job]) -> Result<Vec<Answer>, Failure> {
        let current = self.database.current();
        let database = current.as_ref().ok_or(Failure::Closed)?;
        let now = self.clock.now();
        let transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        let mut answers = Vec::with_capacity(batch.len());
        let mut ending = 0;
        for job in batch {
            answers.push(apply(&mut tables, &job.shard, &job.txn, &job.others, now)?);
            let txns = job.others.iter().map(|(_, txn)| txn).chain([&job.txn]);
            ending += txns.flat_map(|txn| &txn.puts).filter(|(key, _)| key.lifetime().is_some()).count();
        }
        let swept = tables.sweep(now.as_millis(), SWEEP_MIN + 2 * ending)?;
        if !swept && answers.iter().all(|answer| !is_applied(answer)) {
            // Nothing is written: the disk has not to wait for it.
            drop(tables);
            transaction.abort()?;
            return Ok(answers);
        }
        tables.format.insert(BATCH_KEY, self.last_batch + 1)?;
        drop(tables);
        match transaction.commit() {
            Ok(()) => {
                self.last_batch += 1;
                Ok(answers)
            }
            Err(error) => Err(Failure::Uncertain(error.into(), answers)),
        }
    }

    /// The batch could not be written: has the file opened anew, which tells what became of it.
    fn recover(&mut self, batch: impl Iterator<Item = Job>, failure: Failure) {
        self.database.reopen();
        let before = self.last_batch;
        let last = self.database.last_batch();
        self.last_batch = last.as_ref().map_or(before, |last| *last);
        let error = match (failure, last) {
            (Failure::Closed, _) => CommitError::NotApplied(handle::closed()),
            (Failure::Uncertain(_, answers), Ok(last)) if last > before => return self.acknowledge(batch, answers),
            (Failure::Before(error), _) | (Failure::Uncertain(error, _), Ok(_)) => {
                CommitError::NotApplied(unwritable(&error))
            }
            // Nobody knows yet whether the disk has the batch.
            (Failure::Uncertain(error, _), Err(_)) => CommitError::Unavailable(unwritable(&error)),
        };
        self.refuse(batch, &error);
    }

    /// Notices first: they are under way when the caller hears `Ok`.
    fn acknowledge(&self, batch: impl Iterator<Item = Job>, answers: Vec<Answer>) {
        for (job, answer) in batch.zip(answers) {
            if is_applied(&answer) {
                for notice in job.txn.notices {
                    self.hub.tell(Signal::Changed(notice));
                }
            }
            // An error says that the caller has given up.
            let _ = job.answer.send(answer);
        }
    }

    /// What is uncertain is told to the listeners as well: they must believe nothing that they know.
    fn refuse(&self, batch: impl Iterator<Item = Job>, error: &CommitError) {
        let is_uncertain = matches!(error, CommitError::Unavailable(_));
        if is_uncertain {
            self.hub.tell(Signal::LinkLost);
        }
        for job in batch {
            let _ = job.answer.send(Err(error.clone()));
        }
        if is_uncertain {
            self.hub.tell(Signal::LinkBack);
        }
    }
}

fn unwritable(error: &redb::Error) -> Unavailable {
    let reason = format_args!("the database cannot be written: {error}");
    let is_full = matches!(error, redb::Error::Io(error) if is_full(error.kind()));
    if is_full { Unavailable::full(reason) } else { Unavailable::new(reason) }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Tells the listeners when the writer dies in a panic: a notice may be missing from then on.
struct Mourner(Arc<Hub>);

impl Drop for Mourner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(Signal::LinkLost);
        }
    }
}
