//! What a request says of one thing that may be there: nothing, that it is there no more, or what it is.

use serde::{Deserialize, Serialize};

/// What becomes of something that may be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is there no more.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// Keeps what nothing is told of.
    pub(crate) fn of(told: Option<T>) -> Self {
        told.map_or(Self::Keep, Self::Set)
    }

    /// What is there afterwards, if `known` was before.
    pub(crate) fn over(self, known: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => known.cloned(),
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl Patch<&str> {
    /// What a text says that a request may leave out: an empty one clears.
    pub(crate) fn text(given: Option<&str>) -> Patch<&str> {
        match given.map(str::trim) {
            None => Patch::Keep,
            Some("") => Patch::Clear,
            Some(text) => Patch::Set(text),
        }
    }

    /// The same of what the text means.
    pub(crate) fn try_map<U, E>(self, read: impl FnOnce(&str) -> Result<U, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(text) => Patch::Set(read(text)?),
        })
    }
}
