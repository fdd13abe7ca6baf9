//! Time and randomness that a test decides.

use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tenantry_core::values::{
    clock::{Clock, Timestamp},
    entropy::{Entropy, EntropyError},
};
use tokio::sync::watch;

/// What is slept for less by a [`ManualClock`] only lets others run: the pause before something is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// A clock that stands still until it is told to go on. Who sleeps by it for a second or longer wakes when it has gone on
/// so far; who sleeps for less only lets others run.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Lets `duration` pass.
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now = now.after(duration));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::from_millis(0))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if duration < PAUSE {
            return Box::pin(tokio::task::yield_now());
        }
        let (end, mut now) = (self.now().after(duration), self.0.subscribe());
        Box::pin(async move {
            // A clock that is gone goes on no more.
            if now.wait_for(|now| *now >= end).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Bytes that follow from a seed: the same run, the same ids and secrets. Not for anything but tests.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence that `seed` begins.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

/// `SplitMix64`.
impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
