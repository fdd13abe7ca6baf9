//! Why a commit failed, and the errors that callers get for it.

use super::Unavailable;
use crate::values::error::Error;

/// Why a transaction was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A [`Check`](super::Check) did not hold: read again, decide again.
    #[error("a row has changed since it was read")]
    Conflict,
    /// The [`Add`](super::Add) at this place in [`Txn::adds`](super::Txn::adds) would leave its bounds, or a
    /// [`Room`](super::Room) is full: places in [`Txn::rooms`](super::Txn::rooms) are counted on from the last add.
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
    /// Why the store is unavailable; `Err` if the store answered with a conflict or a limit.
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
    /// The error of a commit that the store could not apply, or whose outcome it did not tell.
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

    /// The error of a commit that prepares a change and comes before it. Whether it was refused or its outcome is
    /// unknown, the change itself was not made, and a retry finds what was prepared.
    pub(crate) fn of_preparation(error: CommitError) -> Self {
        Self::of_commit(match error {
            CommitError::Unavailable(source) => CommitError::NotApplied(source),
            other => other,
        })
    }
}
