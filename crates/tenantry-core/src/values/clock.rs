//! Time is a parameter.
//!
//! Every decision that depends on the time asks the [`Clock`] that it was given, so that a test can set the time. This
//! file and `entropy.rs` are the only places that may read the system's own time and randomness.

use std::{
    fmt,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{Unit, fmt::temporal::Pieces};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A source of time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall-clock time, in UTC.
    fn now(&self) -> Timestamp;

    /// As [`now`](Self::now), but up to 20 ms late, and cheaper where the system offers that: for what every request
    /// asks.
    fn now_coarse(&self) -> Timestamp {
        self.now()
    }

    /// The time that has passed since a moment of the clock's choosing, including the time that the machine slept.
    /// Unlike [`now`](Self::now), which people and NTP correct, it is never set back or forward.
    fn elapsed(&self) -> Duration;

    /// Completes when `duration` has passed.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The system's clock.
///
/// Its [`elapsed`](Clock::elapsed) goes on while the machine sleeps on Linux, Android, Apple's systems and Windows. A
/// virtual machine that is paused may not count the pause: it only sees that its wall clock was corrected afterwards.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    fn now_coarse(&self) -> Timestamp {
        system::now_coarse()
    }

    fn elapsed(&self) -> Duration {
        system::uptime()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(futures_timer::Delay::new(duration))
    }
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the place that provides the clock")]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Clocks that the standard library does not offer: its `Instant` stands still while a Linux or Apple machine sleeps.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system {
    use std::time::Duration;

    use rustix::time::{ClockId, Timespec, clock_gettime};

    use super::Timestamp;

    /// On Apple's systems, this is the name of the clock that counts sleep.
    #[cfg(target_vendor = "apple")]
    const UPTIME: ClockId = ClockId::Monotonic;
    #[cfg(not(target_vendor = "apple"))]
    const UPTIME: ClockId = ClockId::Boottime;

    /// How long the machine is up, its sleep included.
    pub(super) fn uptime() -> Duration {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(UPTIME);
        Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
    }

    /// The time of the kernel's last tick, without reading the hardware's clock: a tenth of the cost.
    #[cfg(not(target_vendor = "apple"))]
    pub(super) fn now_coarse() -> Timestamp {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::RealtimeCoarse);
        let millis = i64::from(u32::try_from(tv_nsec).unwrap_or(0) / 1_000_000);
        Timestamp::from_millis(tv_sec.saturating_mul(1000).saturating_add(millis))
    }

    #[cfg(target_vendor = "apple")]
    pub(super) fn now_coarse() -> Timestamp {
        super::now()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod system {
    use std::{
        sync::LazyLock,
        time::{Duration, Instant},
    };

    use super::Timestamp;

    pub(super) fn uptime() -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this is the place that provides the clock")]
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }

    pub(super) fn now_coarse() -> Timestamp {
        super::now()
    }
}

/// A moment in UTC, to the millisecond: RFC 3339 in JSON (`2026-11-22T09:30:00.000Z`), an integer in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of year 1, and the last moment that jiff can represent, late in 9999: RFC 3339 has four digits for
    /// a year.
    const MILLIS_MIN: i64 = -62_135_596_800_000;
    const MILLIS_MAX: i64 = 253_402_207_200_000;

    /// The moment that lies `millis` milliseconds after 1970-01-01T00:00:00Z, kept within the years 1 to 9999.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MILLIS_MIN {
            Self(Self::MILLIS_MIN)
        } else if millis > Self::MILLIS_MAX {
            Self(Self::MILLIS_MAX)
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus `duration`.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// How much later this moment is than `earlier`; zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.3}")
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// A moment in the years 0 to 9999 that a `Timestamp` cannot hold becomes the nearest one that it can hold: whoever
    /// writes the end of 9999 means «very late».
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = text.parse::<jiff::Timestamp>().or_else(|_| nearest(text).ok_or(InvalidTimestamp))?;
        if text.starts_with('-') {
            return Err(InvalidTimestamp);
        }
        // A moment that cannot be rounded up becomes the last one.
        let millis = moment.round(Unit::Millisecond).map_or(i64::MAX, jiff::Timestamp::as_millisecond);
        Ok(Self::from_millis(millis))
    }
}

/// The last moment that jiff can represent, if `text` is a moment of year 9999 beyond it.
fn nearest(text: &str) -> Option<jiff::Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let is_whole = pieces.time().is_some() && pieces.offset().is_some();
    (is_whole && pieces.date().year() == 9999).then_some(jiff::Timestamp::MAX)
}

/// The text is not an RFC 3339 timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 timestamp such as 2026-11-22T09:30:00Z")]
pub struct InvalidTimestamp;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self::from_millis)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clocks_agree() {
        let clock = SystemClock;
        let (before, coarse, after) = (clock.now(), clock.now_coarse(), clock.now());
        assert!(before.since(coarse) <= Duration::from_secs(1) && coarse <= after, "{before} {coarse} {after}");
        let elapsed = clock.elapsed();
        assert!(clock.elapsed() >= elapsed);
    }

    #[test]
    fn a_timestamp_is_rfc_3339_with_milliseconds_in_utc() {
        let moment: Timestamp = "2026-11-22T10:30:00.0014+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-22T09:30:00.001Z");
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2026-11-22T09:30:00.001Z\"");
        assert!("2026-11-22".parse::<Timestamp>().is_err());
        assert!("tomorrow".parse::<Timestamp>().is_err());
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_moment_out_of_range_becomes_the_nearest_one_and_an_invalid_one_is_refused() {
        let last = Timestamp::from_millis(i64::MAX);
        for late in [
            "9999-12-30T22:00:00Z",
            "9999-12-30T22:00:00.9999Z",
            "9999-12-30T22:00:01Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T23:59:59+23:59",
            "9999-12-31t23:59:60z",
        ] {
            assert_eq!(late.parse(), Ok(last), "{late}");
        }
        let first = Timestamp::from_millis(i64::MIN);
        for early in ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "0000-01-01T00:00:00Z"] {
            assert_eq!(early.parse(), Ok(first), "{early}");
        }
        for none in [
            "9999-12-31",
            "9999-12-31T23:59:59",
            "9999-12-32T23:59:59Z",
            "9999-12-31T24:00:00Z",
            "10000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "-009999-01-01T00:00:00Z",
            "-000001-01-01T00:00:00Z",
        ] {
            assert_eq!(none.parse::<Timestamp>(), Err(InvalidTimestamp), "{none}");
        }
    }
}
