//! Why a store cannot do what it is asked to.

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
    /// A store that may come back by itself. `reason` is for logs: it must not contain a secret (such as the password
    /// in a connection's address).
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::Away, &reason)
    }

    /// A full store: it has no room for more.
    #[must_use]
    pub fn full(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::Full, &reason)
    }

    /// A store that does not come back in this process, even if its medium does: the process must be restarted.
    #[must_use]
    pub fn until_restart(reason: impl fmt::Display) -> Self {
        Self::of(UnavailableKind::NeedsRestart, &reason)
    }

    fn of(kind: UnavailableKind, reason: &dyn fmt::Display) -> Self {
        Self { reason: reason.to_string().into(), kind }
    }

    /// Whether the store is full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self.kind, UnavailableKind::Full)
    }

    /// Whether only a restart of the process helps.
    #[must_use]
    pub const fn needs_restart(&self) -> bool {
        matches!(self.kind, UnavailableKind::NeedsRestart)
    }
}

/// All values are equal: the reason is text for people, and two failures do not differ by their texts.
impl PartialEq for Unavailable {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Unavailable {}
