//! Does the work that a change leaves for later: see [`jobs`](crate::engine::jobs).

mod removal;

use std::{collections::VecDeque, fmt, sync::Arc, task::Poll, time::Duration};

use futures_timer::Delay;
use futures_util::{
    StreamExt as _,
    future::{self, Either},
    stream,
};

use crate::{
    engine::{
        Engine, WeakEngine,
        entry::IndexEntry,
        jobs::{Made, within},
    },
    host::hooks::{HookError, MemberEvent},
    rows::{self, JobId, JobRow, Work, index, keys, shards},
    store::{Check, CommitError, Direction, Entry, Key, SortedRange, Txn},
    values::{
        clock::Timestamp,
        error::Error,
        ids::{OrganizationId, UserId},
        limits,
        role::RoleName,
    },
};

/// How an attempt at a job ended, if it did not fail.
pub(crate) enum Outcome {
    /// The job is done. This transaction belongs into the commit that ends it.
    Done(Box<Txn>),
    /// The job has made progress, and goes on after a pause.
    Unfinished(Duration),
}

/// Does jobs: those that were made on this node at once, and those that others left behind in a regular scan.
///
/// It ends when the last clone of its [`Engine`] is dropped. Any number of workers may work on one store.
pub struct Worker {
    engine: WeakEngine,
    made: Arc<Made>,
}

impl Worker {
    /// Works until the engine is gone. Spawn it on the host's runtime.
    pub async fn run(self) {
        // Real time, whatever the engine's clock shows: these are mere pauses, and no decision depends on them.
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
    /// The worker that does the jobs. Every node needs one: it removes deleted organizations and calls the host's
    /// hooks.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker { engine: self.downgrade(), made: self.made().clone() }
    }

    /// Looks for jobs that are due, on the whole platform, and tries each once; answers how many of them are done now.
    ///
    /// A job that fails stays, to be tried again later.
    ///
    /// # Errors
    /// `unavailable`: jobs that were not looked at stay for the next call.
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

    /// Tries these jobs, several at a time; answers how many of them are done now.
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

    /// Tries a job, if it is due. Answers whether it is done now.
    async fn work_on(&self, organization: OrganizationId, id: JobId) -> Result<bool, Error> {
        let home = shards::organization(organization);
        let key = keys::job(id).key;
        let found = self.store().read(&home, std::slice::from_ref(&key)).await?.pop().flatten();
        let now = self.clock().now();
        let Some(found) = found else {
            // The job is done, or the commit that would have made it was never made: the entry is false.
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
            // In a conflict, this attempt has taken so long that another worker has claimed the job.
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

    /// Does the work of a job, within [`limits::JOB_TIMEOUT`].
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

/// Has the job tried again at `due_at`; `claimed` is its row as this worker wrote it when it claimed the job.
fn put_off((key, claimed): (&Key, &[u8]), row: &mut JobRow, due_at: Timestamp) -> Result<Txn, Error> {
    row.due_at = due_at;
    Ok(Txn { puts: vec![(key.clone(), rows::encode_over(row, Some(claimed))?)], ..Txn::default() })
}

/// How long to wait before the next attempt, after so many failures.
fn pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    limits::JOB_RETRY_FIRST.saturating_mul(1 << doublings).min(limits::JOB_RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rows::Intent, store::Sorted};

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
