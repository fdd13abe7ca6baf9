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
//! To add a kind of job: a variant of `Work`, what it does in `Engine::do_work`, and who can in
//! `Engine::is_able`. A secret never belongs into a job.

use std::{
    collections::VecDeque,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use futures_timer::Delay;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{self, Either},
    stream,
    task::AtomicWaker,
};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    engine::{Engine, WeakEngine},
    entry::IndexEntry,
    error::Error,
    hooks::{HookError, MemberEvent},
    ids::{InvitationId, OrganizationId, UserId},
    limits,
    role::RoleName,
    rows::{self, Intent, index, keys, shards},
    store::{Check, CommitError, Direction, Entry, Key, Sorted, SortedRange, Txn},
};

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Call the hook.
    MemberJoined { user: UserId, roles: Vec<RoleName> },
    /// Call the hook.
    MemberRemoved { user: UserId, roles: Vec<RoleName> },
    /// Mail the invitation, as the try that made this job sends it.
    MailInvitation { invitation: InvitationId },
    /// Remove everything of the organization, and, if there are hooks to `tell`, call the hook.
    OrganizationDeleted { tell: bool },
}

/// How a try of a job ended that did not fail.
pub(crate) enum Outcome {
    /// It is done, and this belongs into the commit that says so.
    Done(Box<Txn>),
    /// It has come further, and goes on after a pause.
    Unfinished(Duration),
}

/// A job, in the organization's shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRow {
    pub(crate) work: Work,
    pub(crate) made_at: Timestamp,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// From when on it may be tried; while somebody tries, when they are given up.
    pub(crate) due_at: Timestamp,
}

/// Names a job in its organization: by the try that made it, and which one of that try's it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobId {
    pub(crate) intent: Intent,
    pub(crate) place: u16,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:04x}", self.intent.0, self.place)
    }
}

impl JobId {
    /// The bucket in which workers find it.
    pub(crate) fn bucket(self) -> u64 {
        self.intent.0 % limits::JOB_BUCKETS
    }

    /// Its entry in the bucket.
    ///
    /// The oldest job is the first, as far as clocks agree.
    pub(crate) fn entry(self, organization: OrganizationId) -> (&'static str, Sorted) {
        (index::ALL_JOBS, Sorted { sort_key: self.to_string(), entry: organization.to_base62() })
    }

    /// Its name among the jobs of all organizations.
    pub(crate) fn in_full(self, organization: OrganizationId) -> String {
        format!("{}{self}", organization.to_base62())
    }

    /// Undoes [`entry`](Self::entry).
    fn parse_entry(entry: &Sorted) -> Option<(OrganizationId, Self)> {
        let (intent, place) = entry.sort_key.split_at_checked(16)?;
        let intent = Intent(u64::from_str_radix(intent, 16).ok()?);
        let place = u16::from_str_radix(place, 16).ok()?;
        Some((OrganizationId::from_base62(&entry.entry)?, Self { intent, place }))
    }
}

/// Jobs that were made on this node, for the worker to do at once.
#[derive(Default)]
pub(crate) struct Made {
    jobs: Mutex<VecDeque<(OrganizationId, JobId)>>,
    waker: AtomicWaker,
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

    fn take(&self) -> VecDeque<(OrganizationId, JobId)> {
        std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does jobs: at once those that were made on this node, and in a scan now and then what others left behind.
///
/// It ends when the last clone of its [`Engine`] is gone. Any number of workers may work on one store.
pub struct Worker {
    engine: WeakEngine,
    made: Arc<Made>,
}

impl Worker {
    /// Works until the engine is gone. For the host's runtime to spawn.
    pub async fn run(self) {
        // Real time, whatever the engine's clock shows: these are pauses, and nothing is decided by them.
        let mut scan = Delay::new(Duration::ZERO);
        loop {
            let woken = future::select(&mut scan, Box::pin(self.made())).await;
            let jobs = match woken {
                Either::Left(_) => None,
                Either::Right((jobs, _)) => Some(jobs),
            };
            let Some(engine) = self.engine.upgrade() else { return };
            if let Some(jobs) = jobs {
                engine.work_on_all(jobs).await;
            } else {
                if let Err(error) = engine.work_once().await {
                    tracing::debug!(?error, "jobs are looked for again later");
                }
                scan.reset(limits::JOBS_SCAN_INTERVAL);
            }
        }
    }

    /// Waits for jobs of this node, or for the end of the engine.
    async fn made(&self) -> VecDeque<(OrganizationId, JobId)> {
        future::poll_fn(|context| {
            self.made.waker.register(context.waker());
            let jobs = self.made.take();
            if jobs.is_empty() && self.engine.is_alive() { Poll::Pending } else { Poll::Ready(jobs) }
        })
        .await
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Engine {
    /// What does the jobs. Every node needs one: what was deleted is removed by it, and the host told.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker { engine: self.downgrade(), made: self.made().clone() }
    }

    /// Looks for jobs that are due, on the whole platform, and tries each once; answers how many it did.
    ///
    /// What fails stays, to be tried again later.
    ///
    /// # Errors
    /// `unavailable`: what was not looked at stays for the next time.
    pub async fn work_once(&self) -> Result<usize, Error> {
        // All at once: a job that hangs does not keep those of other buckets waiting.
        let tried = future::join_all((0..limits::JOB_BUCKETS).map(|bucket| self.work_on_bucket(bucket))).await;
        tried.into_iter().sum()
    }

    async fn work_on_bucket(&self, bucket: u64) -> Result<usize, Error> {
        let shard = shards::jobs(bucket);
        let limit = limits::LIST_LIMIT_MAX as usize;
        let (mut done, mut after) = (0, None);
        loop {
            let range = SortedRange { after, ..SortedRange::whole(index::ALL_JOBS, Direction::Ascending, limit) };
            let mut entries = self.store().sorted_range(&shard, &range).await?;
            let jobs = entries.iter().filter_map(JobId::parse_entry).collect();
            done += self.work_on_all(jobs).await;
            let is_end = entries.len() < limit;
            after = entries.pop();
            if is_end {
                return Ok(done);
            }
        }
    }

    /// Tries these jobs, several at a time; answers how many it did.
    async fn work_on_all(&self, jobs: VecDeque<(OrganizationId, JobId)>) -> usize {
        let tried = stream::iter(jobs).map(async |(organization, id)| match self.work_on(organization, id).await {
            Ok(done) => usize::from(done),
            Err(error) => {
                tracing::debug!(?error, %organization, job = %id, "a job is tried again later");
                0
            }
        });
        tried.buffer_unordered(limits::JOBS_AT_ONCE_MAX).fold(0, async |sum, done| sum + done).await
    }

    /// Tries a job, if it is due. Whether it is done now.
    async fn work_on(&self, organization: OrganizationId, id: JobId) -> Result<bool, Error> {
        let home = shards::organization(organization);
        let key = keys::job(id).key;
        let found = self.store().read(&home, std::slice::from_ref(&key)).await?.pop().flatten();
        let now = self.clock().now();
        let Some(found) = found else {
            // Done, or never to be: the entry is false.
            let checks = vec![Check { key, expected: None }];
            self.prune(IndexEntry::Job(id), organization, id.intent, checks).await;
            return Ok(false);
        };
        let mut row: JobRow = rows::decode(&found)?;
        if row.due_at > now || !self.is_able(&row.work) {
            return Ok(false);
        }
        row.attempts = row.attempts.saturating_add(1);
        row.due_at = now.after(limits::JOB_CLAIM);
        let claimed = rows::encode_over(&row, Some(&found))?;
        let mut claim = Txn { frees: true, ..Txn::default() };
        claim.checks.push(Check { key: key.clone(), expected: Some(found) });
        claim.puts.push((key.clone(), claimed.clone()));
        match self.store().commit(&home, &claim).await {
            Ok(_) => {}
            Err(CommitError::Conflict | CommitError::Limit(_)) => return Ok(false),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => return Err(error.into()),
        }
        let outcome = self.do_work(organization, id, &row).await;
        let (mut end, done) = match outcome {
            Ok(Outcome::Done(mut end)) => {
                end.deletes.push(key.clone());
                end.index_deletes.push(Entry { index: index::JOBS, key: id.to_string(), number: None });
                (end, true)
            }
            Ok(Outcome::Unfinished(wait)) => {
                row.attempts = 0;
                (Box::new(put_off((&key, &claimed), &mut row, self.clock().now().after(wait))?), false)
            }
            Err(error) => {
                tracing::warn!(%error, %organization, job = %id, attempts = row.attempts, "a job failed");
                let wait = pause(row.attempts);
                (Box::new(put_off((&key, &claimed), &mut row, self.clock().now().after(wait))?), false)
            }
        };
        end.frees = true;
        end.checks.push(Check { key, expected: Some(claimed) });
        match self.store().commit(&home, &end).await {
            Ok(_) if done => self.remove_entries(organization, &[(IndexEntry::Job(id), id.intent)]).await,
            Ok(_) if row.due_at <= self.clock().now() => self.made().push(organization, id),
            // In conflict: it took so long that somebody else tries, too.
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => {}
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => return Err(error.into()),
        }
        Ok(done)
    }

    /// Whether this node can do such work. If not, the job waits for one that can.
    fn is_able(&self, work: &Work) -> bool {
        match work {
            Work::MemberJoined { .. } | Work::MemberRemoved { .. } | Work::OrganizationDeleted { tell: true } => {
                self.host().known_hooks().is_some()
            }
            Work::OrganizationDeleted { tell: false } => true,
            Work::MailInvitation { .. } => self.host().known_mails().is_some(),
        }
    }

    /// Does the work, within bounded time.
    async fn do_work(&self, organization: OrganizationId, id: JobId, row: &JobRow) -> Result<Outcome, HookError> {
        let work = async {
            let name = id.in_full(organization);
            let hooks = || self.host().known_hooks().ok_or("this node has no hooks");
            let event = |user: &UserId, roles: &[RoleName]| MemberEvent {
                id: name.clone(),
                at: row.made_at,
                organization,
                user: user.clone(),
                roles: roles.to_vec(),
            };
            match &row.work {
                Work::MemberJoined { user, roles } => hooks()?.member_joined(&event(user, roles)).await?,
                Work::MemberRemoved { user, roles } => hooks()?.member_removed(&event(user, roles)).await?,
                Work::OrganizationDeleted { tell } => return self.remove_organization(organization, id, *tell).await,
                Work::MailInvitation { invitation } => {
                    self.mail_invitation((organization, *invitation), id.intent, &name).await?;
                }
            }
            Ok(Outcome::Done(Box::default()))
        };
        within(limits::JOB_TIMEOUT, work).await.and_then(|outcome| outcome)
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

/// Has the job, which was `claimed` under that key, tried again at `due_at`.
fn put_off((key, claimed): (&Key, &[u8]), row: &mut JobRow, due_at: Timestamp) -> Result<Txn, Error> {
    row.due_at = due_at;
    Ok(Txn { puts: vec![(key.clone(), rows::encode_over(row, Some(claimed))?)], ..Txn::default() })
}

/// How long to wait after so many failures.
fn pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    limits::JOB_RETRY_FIRST.saturating_mul(1 << doublings).min(limits::JOB_RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_its_job_and_pauses_grow_to_their_bound() {
        let organization = OrganizationId::from_parts(Timestamp::from_millis(1), [3; 10]);
        let job = JobId { intent: Intent(u64::MAX - 7), place: 513 };
        assert_eq!(JobId::parse_entry(&job.entry(organization).1), Some((organization, job)));
        let short = Sorted { sort_key: "short".to_owned(), entry: organization.to_base62() };
        assert_eq!(JobId::parse_entry(&short), None);
        assert_eq!(pause(1), limits::JOB_RETRY_FIRST);
        assert_eq!(pause(2), limits::JOB_RETRY_FIRST * 2);
        assert_eq!(pause(u32::MAX), limits::JOB_RETRY_MAX);
    }
}
