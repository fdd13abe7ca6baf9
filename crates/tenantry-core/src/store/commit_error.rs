//! Why a commit was not made, and what callers are told of it.

use super::Unavailable;
use crate::values::error::Error;

/// Why a transaction was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A [`Check`](super::Check) did not hold: read again, decide again.
    #[error("a row has changed since it was read")]
    Conflict,
    /// The [`Add`](super::Add) at this place in [`Txn::adds`](super::Txn::adds) would leave its bounds, or there is no
    /// [`Room`](super::Room): those of
    /// [`Txn::rooms`](super::Txn::rooms) are counted on behind the adds.
    #[error("bound {0} of the transaction would be left")]
    Limit(usize),
    /// The store refused the transaction, or was never asked: it was not applied, and never will be.
    #[error(transparent)]
    NotApplied(Unavailable),
    /// The store did not answer; the transaction may have been applied, or may yet be.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl CommitError {
    /// Why the store is unavailable; `Err` if it decided.
    pub fn into_unavailable(self) -> Result<Unavailable, Self> {
        match self {
            Self::NotApplied(unavailable) | Self::Unavailable(unavailable) => Ok(unavailable),
            Self::Conflict | Self::Limit(_) => Err(self),
        }
    }
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        if error.is_full() {
            let detail = "the service has no room for more, and has not made this change: revoking, removing and deleting \
                          are still possible; try again when its operator has made room";
            return Self::unavailable_because(detail, error);
        }
        Self::unavailable(error)
    }
}

impl Error {
    /// A commit that the store refused for reasons of its own, or of which it did not tell what became of it.
    pub(crate) fn of_commit(error: CommitError) -> Self {
        match error {
            CommitError::NotApplied(source) if source.is_full() => source.into(),
            CommitError::NotApplied(source) => {
                Self::unavailable_because("the service cannot store the change, and has not made it: try again", source)
            }
            CommitError::Unavailable(source) => {
                let detail = "the data did not answer in time, and the change may have been made: try again with the same \
                              Idempotency-Key, or look first";
                Self::unavailable_because(detail, source)
            }
            CommitError::Conflict | CommitError::Limit(_) => Self::internal(error),
        }
    }

    /// A commit that prepares a change and comes before it. Was it refused, the change was not made; is it uncertain, the
    /// change was not made either, and whoever tries again finds what was prepared.
    pub(crate) fn of_preparation(error: CommitError) -> Self {
        Self::of_commit(match error {
            CommitError::Unavailable(source) => CommitError::NotApplied(source),
            other => other,
        })
    }
}
