//! Why a store does not do what it is asked to.

use std::{fmt, sync::Arc};

/// The store cannot be reached, does not answer in time, or has failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store is unavailable: {reason}")]
pub struct Unavailable {
    reason: Arc<str>,
    kind: UnavailableKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnavailableKind {
    /// It comes back by itself.
    Away,
    Full,
    NeedsRestart,
}

impl Unavailable {
    /// `reason` is for logs: it must not contain a secret (such as the password in a connection's address).
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::Away, &reason)
    }

    /// There is no room for more.
    #[must_use]
    pub fn full(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::Full, &reason)
    }

    /// The store of this process does not come back, whatever becomes of its medium: the process must be started anew.
    #[must_use]
    pub fn until_restart(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::NeedsRestart, &reason)
    }

    fn of(kind: UnavailableKind, reason: &dyn fmt::Display) -> Self {
        Self { reason: reason.to_string().into(), kind }
    }

    /// Whether there is no room for more.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self.kind, UnavailableKind::Full)
    }

    /// Whether only a restart of the process mends it.
    #[must_use]
    pub const fn needs_restart(&self) -> bool {
        matches!(self.kind, UnavailableKind::NeedsRestart)
    }
}

/// Why the store did not answer is for a person to read: two outages are the same outage.
impl PartialEq for Unavailable {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Unavailable {}
