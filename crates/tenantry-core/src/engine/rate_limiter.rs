//! How often an API token may be presented.
//!
//! 1. Each node counts for itself, in memory: a token with a limit of 100 that calls three nodes may call 300 times. A
//!    node that starts counts from nothing.
//! 2. All entrances of a node (the layer, the operations) share one count. A request that passes two of them is counted
//!    twice.
//! 3. Only a valid token is counted: an unknown, revoked or expired one is refused as such, however often it calls.
//! 4. A limit protects the service from a program that runs away. It is no permission: whoever manages tokens may set
//!    any limit on them, but a token cannot change its own.
//! 5. Room comes back evenly (the generic cell rate algorithm): after a burst of all `requests`, one more is let
//!    through each `seconds / requests`. So there is no edge of a window at which twice as many get through at once,
//!    and of each token one number is kept: the moment at which all of its room will be back.
//! 6. At most [`limits::RATE_LIMITED_TOKENS_MAX`] tokens are kept. Tokens whose room is all back are forgotten first;
//!    if that is not enough, all are forgotten and counted from nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    access::{authority::Authority, tenant_access::TenantAccess},
    engine::Engine,
    values::{
        error::{Error, Quota},
        limits,
        principal::Principal,
        rate_limit::RateLimit,
        token_key::TokenKey,
    },
};

/// The count of one API token, shared by everything on this node that lets it through.
#[derive(Debug, Clone)]
pub struct TokenCount {
    limit: RateLimit,
    room_back_at: Arc<AtomicU64>,
}

impl TokenCount {
    /// Counts a request at the time `now`, which is [`Clock::elapsed`](crate::values::clock::Clock::elapsed).
    ///
    /// # Errors
    /// `rate_limited` if there is no room for the request; then it is not counted.
    pub fn take(&self, now: Duration) -> Result<(), Error> {
        let (now, interval, window) = self.times(now);
        let taken = self.room_back_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |back_at| {
            let back_at = back_at.clamp(now, now + window) + interval;
            (back_at <= now + window).then_some(back_at)
        });
        taken.map(|_| ()).map_err(|back_at| {
            let wait = back_at.clamp(now, now + window) + interval - (now + window);
            let RateLimit { requests, seconds } = self.limit;
            let quota = Quota {
                name: "api-token",
                count: u64::from(requests),
                window: Duration::from_secs(u64::from(seconds)),
            };
            let detail =
                format!("this API token may make {requests} requests in {seconds} seconds: wait, then try again");
            Error::rate_limited(detail, quota, Duration::from_nanos(wait))
        })
    }

    /// Whether a request would be let through now.
    #[must_use]
    pub fn has_room(&self, now: Duration) -> bool {
        let (now, interval, window) = self.times(now);
        self.room_back_at.load(Ordering::Relaxed).clamp(now, now + window) + interval <= now + window
    }

    /// In nanoseconds: `now`, the time after which room for one request comes back, and the time for all requests of
    /// the limit.
    fn times(&self, now: Duration) -> (u64, u64, u64) {
        let interval = self.limit.interval();
        // A day is 2^47 nanoseconds: no sum of these comes near the end in five hundred years.
        (nanos(now), interval, interval * u64::from(self.limit.requests))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}

impl Engine {
    /// The count of an API token that has a rate limit; `None` for every other caller.
    #[must_use]
    pub fn token_count(&self, tenant: &TenantAccess) -> Option<TokenCount> {
        self.count_of(tenant.authority())
    }

    fn count_of(&self, authority: &Authority) -> Option<TokenCount> {
        match (&authority.principal, authority.rate_limit) {
            (Principal::ApiToken(key), Some(limit)) => {
                Some(self.rate_limiter().count(*key, limit, self.clock().elapsed()))
            }
            _ => None,
        }
    }

    /// Counts a request against the caller's rate limit, if they have one.
    pub(crate) fn admit(&self, authority: &Authority) -> Result<(), Error> {
        self.count_of(authority).map_or(Ok(()), |count| count.take(self.clock().elapsed()))
    }
}

/// The counts of all API tokens on one node.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter(Mutex<HashMap<TokenKey, Arc<AtomicU64>>>);

impl RateLimiter {
    /// The count of the token `key`, whose limit now is `limit`.
    pub(crate) fn count(&self, key: TokenKey, limit: RateLimit, now: Duration) -> TokenCount {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= limits::RATE_LIMITED_TOKENS_MAX && !counts.contains_key(&key) {
            make_room(&mut counts, nanos(now));
        }
        let count = TokenCount { limit, room_back_at: counts.entry(key).or_default().clone() };
        // The limit may have changed since the last request: nobody waits longer than the window of the new one.
        let (now, _, window) = count.times(now);
        count.room_back_at.fetch_min(now + window, Ordering::Relaxed);
        count
    }
}

/// Frees at least a quarter of the room each time, so that it is seldom done.
fn make_room(counts: &mut HashMap<TokenKey, Arc<AtomicU64>>, now: u64) {
    // A count that is in use stays: with a second one, the token's requests would be counted apart.
    counts.retain(|_, count| Arc::strong_count(count) > 1 || count.load(Ordering::Relaxed) > now);
    if counts.len() > limits::RATE_LIMITED_TOKENS_MAX / 4 * 3 {
        counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{clock::Timestamp, ids::OrganizationId, token_key::Environment};

    const MINUTE: RateLimit = RateLimit { requests: 3, seconds: 60 };

    fn key(id: u64) -> TokenKey {
        let organization = OrganizationId::from_parts(Timestamp::from_millis(0), [0; 10]);
        TokenKey::from_parts(Environment::Live, organization, id.to_be_bytes())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_of_the_whole_limit_passes_and_then_one_request_per_interval() {
        let count = RateLimiter::default().count(key(1), MINUTE, at(1000));
        for _ in 0..3 {
            count.take(at(1000)).unwrap();
        }
        assert!(!count.has_room(at(1000)));
        let refused = count.take(at(1005)).unwrap_err();
        assert_eq!(refused.retry_after(), Some(at(15)));
        assert_eq!(refused.quota(), Some(&Quota { name: "api-token", count: 3, window: at(60) }));
        assert!(count.has_room(at(1020)));
        count.take(at(1020)).unwrap();
        count.take(at(1039)).unwrap_err();
        for _ in 0..3 {
            count.take(at(1100)).unwrap();
        }
        count.take(at(1100)).unwrap_err();
    }

    #[test]
    fn exactly_the_limit_passes_even_if_it_does_not_divide_the_window() {
        for (requests, seconds) in [(1, 1), (7, 1), (3, 86_400), (999_999, 1), (1_000_000, 86_400)] {
            let count = RateLimiter::default().count(key(1), RateLimit { requests, seconds }, at(5));
            assert_eq!((0..requests).filter(|_| count.take(at(5)).is_ok()).count(), requests as usize);
            count.take(at(5)).unwrap_err();
            count.take(at(5 + u64::from(seconds))).unwrap();
        }
    }

    #[test]
    fn a_changed_limit_applies_at_once_and_nobody_waits_for_the_old_one() {
        let limiter = RateLimiter::default();
        let daily = limiter.count(key(1), RateLimit { requests: 1, seconds: 86_400 }, at(0));
        daily.take(at(0)).unwrap();
        daily.take(at(1)).unwrap_err();
        let minute = limiter.count(key(1), MINUTE, at(1));
        assert_eq!(minute.take(at(1)).unwrap_err().retry_after(), Some(at(20)));
        minute.take(at(21)).unwrap();
    }

    #[test]
    fn all_holders_of_a_token_share_one_count_and_memory_is_bounded() {
        let limiter = RateLimiter::default();
        let held = limiter.count(key(0), MINUTE, at(0));
        for number in 1..2 * limits::RATE_LIMITED_TOKENS_MAX as u64 {
            limiter.count(key(number), MINUTE, at(0));
        }
        assert!(limiter.0.lock().unwrap().len() <= limits::RATE_LIMITED_TOKENS_MAX);
        for _ in 0..3 {
            held.take(at(0)).unwrap();
        }
        limiter.count(key(0), MINUTE, at(0)).take(at(0)).unwrap_err();
        // Every token that is kept lacks room: none is forgotten until there is one too many.
        for number in 0..2 * limits::RATE_LIMITED_TOKENS_MAX as u64 {
            limiter.count(key(number), MINUTE, at(60)).take(at(60)).unwrap();
        }
        assert!(limiter.0.lock().unwrap().len() <= limits::RATE_LIMITED_TOKENS_MAX);
    }
}
