//! Numbers that are asked for at the same time, fetched together.
//!
//! All organizations of a platform are numbered by one counter: where many are created at once, each would wait for it
//! once more. Whoever asks joins the queue; whoever's turn it is fetches a number for each who is in it. Meanwhile the
//! next ones gather.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::lock;

use crate::{
    engine::Engine,
    error::Error,
    rows::shards,
    store::{Add, CommitError, Range, Txn, Unavailable},
};

/// What one who waits is given.
type Slot = Arc<OnceLock<Result<u64, Unavailable>>>;

/// Who waits for a number of one counter.
pub(crate) struct Numbers {
    /// The index of the platform's shard whose counter it is.
    index: &'static str,
    queue: Mutex<Vec<Slot>>,
    /// Held by who fetches.
    turn: lock::Mutex<()>,
}

impl Numbers {
    pub(crate) fn of(index: &'static str) -> Self {
        Self { index, queue: Mutex::default(), turn: lock::Mutex::new(()) }
    }

    /// The next number. Nobody else gets it, also if nothing comes of it.
    pub(crate) async fn next(&self, engine: &Engine) -> Result<u64, Error> {
        let own = Slot::default();
        self.queue().push(own.clone());
        let _turn = self.turn.lock().await;
        // By somebody whose turn came before. If that one was given up half-way, nobody has given anything.
        if let Some(given) = own.get() {
            return Ok(given.clone()?);
        }
        let mut others = std::mem::take(&mut *self.queue());
        // Who does not wait any more has dropped it.
        others.retain(|other| !Arc::ptr_eq(other, &own) && Arc::strong_count(other) > 1);
        let first = self.fetch(engine, others.len() + 1).await;
        for (other, place) in others.into_iter().zip(1..) {
            other.get_or_init(|| first.clone().map(|first| first + place));
        }
        Ok(first?)
    }

    /// The first of so many numbers.
    async fn fetch(&self, engine: &Engine, count: usize) -> Result<u64, Unavailable> {
        let by = i64::try_from(count).map_err(Unavailable::new)?;
        let add = Add { key: Range::counter(self.index), by, min: None, max: None };
        let committed = engine.store().commit(&shards::platform(), &Txn { adds: vec![add], ..Txn::default() }).await;
        let last = match committed {
            Ok(committed) => committed.counters.first().copied(),
            Err(CommitError::Unavailable(error)) => return Err(error),
            Err(CommitError::Conflict | CommitError::Limit(_)) => None,
        };
        let first = last.and_then(|last| u64::try_from(last - by + 1).ok());
        first.ok_or_else(|| Unavailable::new(format_args!("the counter of {} gave no number", self.index)))
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
