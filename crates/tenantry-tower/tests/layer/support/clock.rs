//! A clock that a test sets.

use std::{
    pin::Pin,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use tenantry_core::values::clock::{Clock, Timestamp};

/// 2026-11-22T09:30:00Z.
const BEGIN_MILLIS: i64 = 1_795_339_800_000;

#[derive(Debug)]
pub(crate) struct TestClock {
    now: AtomicI64,
    elapsed: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { now: AtomicI64::new(BEGIN_MILLIS), elapsed: AtomicU64::new(0) }
    }
}

impl TestClock {
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.elapsed.fetch_add(millis, Ordering::SeqCst);
        self.now.fetch_add(i64::try_from(millis).unwrap(), Ordering::SeqCst);
    }

    /// As a machine that was paused finds the calendar afterwards: no time has passed for it.
    pub(crate) fn put_forward(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// As somebody corrects it: no time passes.
    pub(crate) fn set_back(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.now.fetch_sub(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
