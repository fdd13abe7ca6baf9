//! Pauses between attempts.

use std::time::Duration;

use tenantry_core::values::entropy::{Entropy, SystemEntropy};

/// Pauses that grow twofold, up to a bound, each shortened by chance: a server that comes back is not met by all at the
/// same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Pauses {
    pub(crate) const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// How long the next one is.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + f64::from(u32::from_le_bytes(random())) / f64::from(u32::MAX) / 2.0);
        self.next = (self.next * 2).min(self.max);
        pause
    }

    /// It went well: the next one is the shortest again.
    pub(crate) const fn reset(&mut self) {
        self.next = self.min;
    }
}

/// Random bytes; zeros, should the system have none: that costs the differences between nodes, and nothing depends on
/// them.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = SystemEntropy.fill(&mut bytes);
    bytes
}
