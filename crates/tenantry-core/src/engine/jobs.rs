//! Work that follows from a change and is done after it: a durable outbox.
//!
//! 1. A job is a row in the organization's shard, written in the same commit as the change that it follows from
//!    (`Transaction::later`): there is a job if, and only if, the change happened.
//! 2. Workers find a job by an entry in one of a fixed number of platform-wide buckets. Like every index entry (see
//!    `entry.rs`), it is written before that commit and removed after the job is done: so no job is lost.
//! 3. The row says from when on a worker may try the job. The first worker to try moves that time ahead, in a commit
//!    that verifies the row: no other worker tries meanwhile, and if the first one dies, another tries later. So a job
//!    is done at least once, and its work must be idempotent.
//! 4. A job that fails is tried again, with growing pauses, until it succeeds.
//!
//! The [`worker`](crate::worker) does the jobs. To add a kind of job, add a variant of `Work` in `rows/job.rs`, what it
//! does in `Engine::do_work`, and in `Engine::is_able` which nodes can do it. A secret never belongs into a job.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use futures_timer::Delay;
use futures_util::{
    FutureExt as _,
    future::{self, Either},
    task::AtomicWaker,
};

use crate::{
    engine::Duration,
    host::hooks::HookError,
    rows::JobId,
    values::{ids::OrganizationId, limits},
};

/// Jobs that were made on this node, for the worker to do at once.
#[derive(Default)]
pub(crate) struct Made {
    jobs: Mutex<VecDeque<(OrganizationId, JobId)>>,
    pub(crate) waker: AtomicWaker,
}

impl Made {
    /// Adds a job. If the queue is full, the worker finds the job later, by a scan of the store.
    pub(crate) fn push(&self, organization: OrganizationId, job: JobId) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.len() < limits::JOBS_QUEUED_MAX {
            jobs.push_back((organization, job));
        }
        drop(jobs);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn take(&self) -> VecDeque<(OrganizationId, JobId)> {
        std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The outcome of `work`; an error if it panics or takes longer than `time`.
pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T> + Send) -> Result<T, HookError> {
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    match future::select(work, Delay::new(time)).await {
        Either::Left((Ok(outcome), _)) => Ok(outcome),
        Either::Left((Err(_), _)) => Err("it panicked".into()),
        Either::Right(_) => Err("it took too long".into()),
    }
}
