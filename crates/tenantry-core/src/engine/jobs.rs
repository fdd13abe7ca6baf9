//! Work that follows from a change and is done after it: a durable outbox.
//!
//! 1. A job is a row in the organization's shard, written in the same commit as the change that it follows from
//!    (`Transaction::later`): there is a job if, and only if, the change
//!    happened.
//! 2. Workers find it by an entry in one of a fixed number of platform-wide buckets, which is written before that
//!    commit and removed after the job is done, like every entry (see `entry.rs`): none is ever lost.
//! 3. The row says from when on a worker may try. Whoever tries first moves that moment ahead, in a commit that
//!    verifies the row: nobody else tries meanwhile, and if the worker dies somebody does afterwards. So a job is done
//!    at least once, and whatever it does must bear being done again.
//! 4. A job that fails is tried again, with growing pauses, until it succeeds.
//!
//! Jobs are done by the [`worker`](crate::worker). To add a kind of job: a variant of `Work` in `rows/job.rs`, what it does
//! in `Engine::do_work`, and who can in `Engine::is_able`. A secret never belongs into a job.

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
    /// Whatever does not fit is found by a scan.
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

/// What `work` comes to, unless it panics or takes too long.
pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T> + Send) -> Result<T, HookError> {
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    match future::select(work, Delay::new(time)).await {
        Either::Left((Ok(outcome), _)) => Ok(outcome),
        Either::Left((Err(_), _)) => Err("it panicked".into()),
        Either::Right(_) => Err("it took too long".into()),
    }
}
