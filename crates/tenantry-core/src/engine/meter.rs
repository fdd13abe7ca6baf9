//! Limits how often something is done within a time. One row counts it, by adds, which do not conflict with each other.
//!
//! The row of a meter is a counter that holds a moment, in milliseconds since 1970: the moment at which all that was
//! counted would be done if it were spread evenly (the generic cell rate algorithm, as ATM networks call it). Each
//! count moves it ahead by an even share of the window, and is refused if it would then lie more than one window and
//! half a share ahead of the present. The half share is for callers whose clock is slow, or who read it before the
//! first count: the whole quota passes at once even if some of it sees an earlier time. After a pause the moment lies
//! in the past; the commit that moves it to the present checks the row, so that only one commit does so.

use std::time::Duration;

use crate::{
    engine::{
        Engine,
        transaction::{Transaction, counter},
    },
    store::{Add, Check, CommitError, Key, Shard, Txn},
    values::{
        clock::Timestamp,
        error::{Error, Quota},
        limits,
    },
};

/// A row that counts something, and how often that may be done.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    pub(crate) key: Key,
    pub(crate) quota: Quota,
    /// The error's text if it is done too often.
    pub(crate) beyond: &'static str,
}

/// The writes that count something.
struct Step {
    add: Add,
    /// After a pause: the row must be unchanged.
    check: Option<Check>,
    /// The error if the counter would leave its bound.
    beyond: Error,
}

impl Meter {
    /// The step that counts `times` more, if the row holds `value`.
    fn step(&self, times: u64, value: Option<bytes::Bytes>, now: Timestamp) -> Result<Step, Error> {
        let window = i64::try_from(self.quota.window.as_millis()).map_err(Error::internal)?;
        let quota = i64::try_from(self.quota.count.max(1)).map_err(Error::internal)?;
        let times = i64::try_from(times).map_err(Error::internal)?;
        let now = now.as_millis();
        let moment = counter(value.as_deref())?;
        // Rounded up: `quota` shares fill at least a window, so that no window holds more than the quota.
        let share = window.saturating_add(quota - 1) / quota;
        let furthest = now.saturating_add(share.saturating_mul(quota)).saturating_add(share / 2);
        let more = share.saturating_mul(times);
        let pause = (now - moment).max(0);
        let ahead = moment.max(now).saturating_add(more).saturating_sub(furthest);
        let wait = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
        let check = (pause > 0).then(|| Check { key: self.key.clone(), expected: value });
        let by = pause.saturating_add(more);
        let add = Add { key: self.key.clone(), by, min: None, max: Some(furthest) };
        Ok(Step { add, check, beyond: Error::rate_limited(self.beyond, self.quota, wait) })
    }
}

impl Transaction<'_> {
    /// Counts `times` more in the organization's shard. The commit fails if that is too often.
    pub(crate) async fn meter(&mut self, meter: &Meter, times: u64) -> Result<(), Error> {
        let value = self.peek_bytes(std::slice::from_ref(&meter.key)).await?.pop().flatten();
        let Step { add, check, beyond } = meter.step(times, value, self.now)?;
        if let Some(check) = check {
            self.require(check);
        }
        self.add(add, beyond);
        Ok(())
    }
}

impl Engine {
    /// Counts `times` more in `shard`, by a commit of its own. Fails if that is too often.
    pub(crate) async fn meter(&self, shard: &Shard, meter: &Meter, times: u64) -> Result<(), Error> {
        for attempt in 0..limits::ATTEMPTS_MAX {
            let value = self.store().read(shard, std::slice::from_ref(&meter.key)).await?.pop().flatten();
            let Step { add, check, beyond } = meter.step(times, value, self.clock().now())?;
            let txn = Txn { checks: check.into_iter().collect(), adds: vec![add], ..Txn::default() };
            match self.store().commit(shard, &txn).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Limit(_)) => return Err(beyond),
                Err(CommitError::Conflict) => self.back_off(attempt).await?,
                Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => {
                    return Err(Error::of_preparation(error));
                }
            }
        }
        Err(Error::unavailable(format!("{}: in conflict {} times", meter.quota.name, limits::ATTEMPTS_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(count: u64) -> Meter {
        let quota = Quota { name: "tests", count, window: Duration::from_secs(60) };
        Meter { key: Key::lasting("meter"), quota, beyond: "too often" }
    }

    /// Counts once. If that is refused, says how long to wait.
    fn once(meter: &Meter, row: &mut Option<bytes::Bytes>, now: i64) -> Result<(), Duration> {
        let step = meter.step(1, row.clone(), Timestamp::from_millis(now)).unwrap();
        let moment = counter(row.as_deref()).unwrap() + step.add.by;
        if step.add.max.is_some_and(|max| moment > max) {
            return Err(step.beyond.retry_after().unwrap());
        }
        *row = Some(moment.to_string().into());
        Ok(())
    }

    #[test]
    fn a_clock_that_is_slow_by_less_than_half_a_share_refuses_nothing_of_the_quota() {
        let (meter, mut row, start) = (meter(3), None, 1_795_000_000_000);
        once(&meter, &mut row, start).unwrap();
        once(&meter, &mut row, start - 1).unwrap();
        once(&meter, &mut row, start - 9_999).unwrap();
        assert!(once(&meter, &mut row, start - 9_999).is_err());
        assert!(once(&meter, &mut row, start).is_err());
    }

    #[test]
    fn as_many_as_the_quota_fit_into_a_window_and_one_more_for_each_share_that_passes() {
        for quota in [1, 3, 7, 200] {
            let (meter, mut row, start) = (meter(quota), None, 1_795_000_000_000);
            for _ in 0..quota {
                once(&meter, &mut row, start).unwrap();
            }
            let wait = once(&meter, &mut row, start).unwrap_err();
            let share = Duration::from_millis(60_000_u64.div_ceil(quota));
            assert!(wait <= share && wait > Duration::ZERO, "{quota}: {wait:?}");
            let later = start + i64::try_from(wait.as_millis()).unwrap();
            assert!(once(&meter, &mut row, later - 1).is_err());
            once(&meter, &mut row, later).unwrap();
            assert!(once(&meter, &mut row, later).is_err());
            // A long pause saves up no more than one window.
            let much_later = later + 86_400_000;
            for _ in 0..quota {
                once(&meter, &mut row, much_later).unwrap();
            }
            assert!(once(&meter, &mut row, much_later).is_err());
        }
    }
}
