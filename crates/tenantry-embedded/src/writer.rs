//! The thread that writes.
//!
//! It is the only one that ever waits for the disk's sync. What has queued up while it waited goes into the next
//! redb transaction together: one sync for all of them.

use std::sync::Arc;

use redb::Database;
use tenantry_core::{
    change::Signal,
    clock::Clock,
    store::{CommitError, Committed, Shard, Txn, Unavailable},
};
use tokio::sync::{mpsc, oneshot};

use crate::{apply::apply, hub::Hub, tables::Tables};

/// How many transactions share a sync at most, so that the first of them does not wait for long.
const BATCH_MAX: usize = 256;
/// How many ended rows each batch sweeps, on top of twice as many as it puts: sweeping always gains on putting.
const SWEEP_MIN: usize = 16;

/// A transaction on its way to the writer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shard: Shard,
    pub(crate) txn: Txn,
    pub(crate) answer: oneshot::Sender<Answer>,
}

pub(crate) type Answer = Result<Committed, CommitError>;

/// What the thread works with.
pub(crate) struct Writer {
    pub(crate) database: Arc<Database>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
}

impl Writer {
    /// Works until the store is dropped. If it panics, the queue's end is dropped with it, which every waiting and
    /// every later caller notices.
    pub(crate) fn run(self, mut queue: mpsc::Receiver<Job>) {
        let _mourner = Mourner(&self.hub);
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
                Err(error) => self.refuse(batch.drain(..), &error),
            }
        }
    }

    /// Applies the batch in one durable transaction: on an error nothing of it was applied, as far as can be known.
    fn write(&self, batch: &[Job]) -> Result<Vec<Answer>, redb::Error> {
        let now = self.clock.now();
        let transaction = self.database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        let mut answers = Vec::with_capacity(batch.len());
        let mut ending = 0;
        for job in batch {
            answers.push(apply(&mut tables, job.shard.as_str(), &job.txn, now)?);
            ending += job.txn.puts.iter().filter(|(key, _)| key.lifetime().is_some()).count();
        }
        tables.sweep(now.as_millis(), SWEEP_MIN + 2 * ending)?;
        drop(tables);
        transaction.commit()?;
        Ok(answers)
    }

    /// Notices first: they are under way when the caller hears `Ok`.
    fn acknowledge(&self, batch: impl Iterator<Item = Job>, answers: Vec<Answer>) {
        for (job, answer) in batch.zip(answers) {
            if answer.is_ok() {
                for notice in job.txn.notices {
                    self.hub.tell(Signal::Changed(notice));
                }
            }
            // An error says that the caller has given up.
            let _ = job.answer.send(answer);
        }
    }

    /// Nobody knows how much of the batch the disk has, so the listeners must believe nothing that they know.
    fn refuse(&self, batch: impl Iterator<Item = Job>, error: &redb::Error) {
        self.hub.tell(Signal::LinkLost);
        let unavailable = Unavailable::new(format_args!("the database cannot be written: {error}"));
        for job in batch {
            let _ = job.answer.send(Err(unavailable.clone().into()));
        }
        self.hub.tell(Signal::LinkBack);
    }
}

/// Tells the listeners when the writer dies in a panic: a notice may be missing from then on.
struct Mourner<'h>(&'h Hub);

impl Drop for Mourner<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(Signal::LinkLost);
        }
    }
}
