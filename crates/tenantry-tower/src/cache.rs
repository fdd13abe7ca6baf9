//! Answers that may be given again.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use tenantry_core::clock::Timestamp;

use crate::{generations::Generations, jwt::Verified, resolved::Resolved};

/// What is known of credentials, by the keyed hash of what was asked.
///
/// moka's synchronous cache: a known answer must be found without a future, and `flights.rs` sees to it that one load
/// serves all who ask. What is found is believed only if it is still so; see `generations.rs`.
pub(crate) struct Answers {
    generations: Arc<Generations>,
    resolved: Cache<u128, Resolved>,
    verified: Cache<u128, Arc<Verified>>,
}

impl Answers {
    pub(crate) fn new(generations: Arc<Generations>, max_age: Duration, capacity: u64) -> Self {
        // moka's own time is monotonic: it bounds an answer's life also when the clock is set back.
        let resolved = Cache::builder().max_capacity(capacity).time_to_live(max_age).build();
        // What a JWT tells stays true until it ends or its key is withdrawn, which is looked at when it is found.
        Self { generations, resolved, verified: Cache::new(capacity) }
    }

    /// The answer, if it may be given again at `now`.
    pub(crate) fn get(&self, key: u128, now: Timestamp) -> Option<Resolved> {
        let resolved = self.resolved.get(&key)?;
        let validity = resolved.validity()?;
        let is_true = now < validity.until
            && validity.vouched.as_ref().is_none_or(|vouched| vouched.holds(now))
            && self.generations.is_fresh(validity.as_of, validity.subjects);
        is_true.then_some(resolved)
    }

    /// Keeps an answer; whoever finds it checks it.
    pub(crate) fn keep(&self, key: u128, resolved: Resolved) {
        self.resolved.insert(key, resolved);
    }

    /// What the JWT with this hash tells, if it was verified by keys that are still believed and has not ended at `now`.
    pub(crate) fn verified(&self, key: u128, now: Timestamp) -> Option<Arc<Verified>> {
        self.verified.get(&key).filter(|verified| now < verified.expires_at && verified.vouched.holds(now))
    }

    pub(crate) fn keep_verified(&self, key: u128, verified: Arc<Verified>) {
        self.verified.insert(key, verified);
    }
}
