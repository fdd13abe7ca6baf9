//! Wraps a store and logs its outages: the beginning, the continuation and the end.
//!
//! During an outage every request fails. One log line for each would be thousands of equal lines a second, in the worst
//! hour. So the log tells of changes: the first failure at once, then the number of failures at most every
//! [`limits::OUTAGE_LOG_INTERVAL`], and the end once no call has failed for [`limits::OUTAGE_OVER_AFTER`]. So a store
//! that fails now and then (because one primary of a cluster is down) has one outage, not many.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    store::{
        Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn,
        Unavailable,
    },
    values::{clock::Clock, limits},
};

/// The error by which the store first reported that only a restart of the process helps. Once set, it stays.
pub(crate) type Dead = Arc<OnceLock<Unavailable>>;

/// Passes every call on to `store`, logs outages, and remembers an outage that only a restart can end.
#[derive(Debug)]
pub(crate) struct Reported {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    outages: Outages,
    dead: Dead,
}

impl Reported {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, outages: Outages::default(), dead: Dead::default() }
    }

    pub(crate) fn dead(&self) -> Dead {
        self.dead.clone()
    }

    fn note<T>(&self, result: Result<T, Unavailable>) -> Result<T, Unavailable> {
        match &result {
            Ok(_) => self.answered(),
            Err(error) => self.failed(error),
        }
        result
    }

    fn note_commit<T>(&self, result: Result<T, CommitError>) -> Result<T, CommitError> {
        match &result {
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => self.failed(error),
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => self.answered(),
        }
        result
    }

    fn answered(&self) {
        if let Some(Outage { failures, lasted }) = self.outages.answered(|| self.clock.elapsed()) {
            let seconds = lasted.as_secs();
            tracing::info!(failures, seconds, "the store answers again");
        }
    }

    fn failed(&self, error: &Unavailable) {
        if error.needs_restart() && self.dead.set(error.clone()).is_ok() {
            tracing::error!(%error, "only a restart of this process mends the store: the liveness probe fails from now on");
        }
        match self.outages.failed(self.clock.elapsed()) {
            Failure::First => tracing::warn!(%error, "the store is unavailable: what needs it is answered 503"),
            Failure::Lasting(Outage { failures, lasted }) => {
                let seconds = lasted.as_secs();
                tracing::warn!(%error, failures, seconds, "the store is still unavailable");
            }
            Failure::AlreadyLogged => {}
        }
    }
}

#[async_trait]
impl Store for Reported {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.note(self.store.read(shard, keys).await)
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.note(self.store.range(shard, range).await)
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.note(self.store.sorted_range(shard, range).await)
    }

    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.note(self.store.numbers(shard, index, keys).await)
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.note(self.store.log(shard, log, before, limit).await)
    }

    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        self.note(self.store.barrier(shard).await)
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        self.note_commit(self.store.commit(shard, txn).await)
    }

    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        self.note_commit(self.store.commit_together(shard, txn, others).await)
    }

    fn changes(&self) -> Changes {
        self.store.changes()
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.note(self.store.ping().await)
    }
}

/// Whether there is an outage, and what was logged of it. A call that succeeds outside of an outage only loads one
/// flag.
#[derive(Debug, Default)]
struct Outages {
    is_one: AtomicBool,
    current: Mutex<Option<Current>>,
}

/// All times are by [`Clock::elapsed`].
#[derive(Debug)]
struct Current {
    began: Duration,
    last_failure: Duration,
    last_told: Duration,
    failures: u64,
}

/// How many calls have failed so far, and for how long.
#[derive(Debug, PartialEq, Eq)]
struct Outage {
    failures: u64,
    lasted: Duration,
}

/// What to log of a failure.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// An outage begins.
    First,
    /// The outage goes on.
    Lasting(Outage),
    /// Nothing: the last line was logged a moment ago.
    AlreadyLogged,
}

impl Outages {
    fn failed(&self, now: Duration) -> Failure {
        let mut place = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = place.as_mut() else {
            *place = Some(Current { began: now, last_failure: now, last_told: now, failures: 1 });
            self.is_one.store(true, Ordering::Relaxed);
            return Failure::First;
        };
        current.failures += 1;
        current.last_failure = now;
        if now < current.last_told + limits::OUTAGE_LOG_INTERVAL {
            return Failure::AlreadyLogged;
        }
        current.last_told = now;
        Failure::Lasting(Outage { failures: current.failures, lasted: now.saturating_sub(current.began) })
    }

    /// The outage that is over with this success, if one is.
    fn answered(&self, now: impl FnOnce() -> Duration) -> Option<Outage> {
        if !self.is_one.load(Ordering::Relaxed) {
            return None;
        }
        let now = now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let over = current.take_if(|current| now >= current.last_failure + limits::OUTAGE_OVER_AFTER)?;
        self.is_one.store(false, Ordering::Relaxed);
        Some(Outage { failures: over.failures, lasted: over.last_failure.saturating_sub(over.began) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_when_it_begins_at_intervals_and_when_it_ends() {
        let outages = Outages::default();
        let at = Duration::from_secs;
        assert_eq!(outages.answered(|| at(99)), None);
        assert_eq!(outages.failed(at(100)), Failure::First);
        for _ in 0..1000 {
            assert_eq!(outages.failed(at(101)), Failure::AlreadyLogged);
        }
        let interval = limits::OUTAGE_LOG_INTERVAL;
        let lasted = interval;
        assert_eq!(outages.failed(at(100) + interval), Failure::Lasting(Outage { failures: 1002, lasted }));
        assert_eq!(outages.failed(at(101) + interval), Failure::AlreadyLogged);

        // A success now and then does not end the outage.
        assert_eq!(outages.answered(|| at(101) + interval), None);
        assert_eq!(outages.failed(at(102) + interval), Failure::AlreadyLogged);
        let over = at(102) + interval + limits::OUTAGE_OVER_AFTER;
        let lasted = at(2) + interval;
        assert_eq!(outages.answered(|| over), Some(Outage { failures: 1004, lasted }));
        assert_eq!(outages.answered(|| over), None);
        assert_eq!(outages.failed(over), Failure::First);
    }
}
