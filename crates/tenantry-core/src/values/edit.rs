//! What an update does to an optional value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an update does to an optional value, if no empty text could stand for its absence: a field that is absent in
/// the request keeps the value, `null` clears it, and another value replaces it.
///
/// Its field bears `#[serde(default, skip_serializing_if = "Edit::is_keep")]`. Every other optional field of an update
/// is an `Option`: there, `null` means the same as absent, and an empty text or list clears what can be cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edit<T> {
    /// The value stays as it is.
    #[default]
    Keep,
    /// There is no value from now on.
    Clear,
    /// This is the value from now on.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether the value stays as it is.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value; `None` if there is none to be set.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<T: Clone> Edit<T> {
    /// Sets the value; `None` keeps the present one.
    pub(crate) fn of(told: Option<T>) -> Self {
        told.map_or(Self::Keep, Self::Set)
    }

    /// Applies the edit to `kept`.
    pub(crate) fn apply(&self, kept: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *kept = None,
            Self::Set(value) => *kept = Some(value.clone()),
        }
    }
}

impl Edit<&str> {
    /// An optional text of a request as an edit: an absent text keeps the value, an empty one clears it.
    pub(crate) fn text(given: Option<&str>) -> Edit<&str> {
        match given.map(str::trim) {
            None => Edit::Keep,
            Some("") => Edit::Clear,
            Some(text) => Edit::Set(text),
        }
    }

    /// Parses the text of an edit.
    pub(crate) fn try_map<U, E>(self, read: impl FnOnce(&str) -> Result<U, E>) -> Result<Edit<U>, E> {
        Ok(match self {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(text) => Edit::Set(read(text)?),
        })
    }
}

/// Reads `null` and values. An absent field does not get here: `Keep` is its default.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Edit<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Request {
        #[serde(default, skip_serializing_if = "Edit::is_keep")]
        end: Edit<u8>,
    }

    #[test]
    fn absent_null_and_a_value_are_read_and_written_as_three_different_edits() {
        for (text, edit, after) in [
            ("{}", Edit::Keep, Some(1)),
            (r#"{"end":null}"#, Edit::Clear, None),
            (r#"{"end":2}"#, Edit::Set(2), Some(2)),
        ] {
            let request: Request = serde_json::from_str(text).unwrap();
            assert_eq!(request, Request { end: edit });
            assert_eq!(serde_json::to_string(&request).unwrap(), text);
            let mut kept = Some(1);
            request.end.apply(&mut kept);
            assert_eq!(kept, after, "{text}");
        }
        assert!(serde_json::from_str::<Request>(r#"{"end":"soon"}"#).is_err());
    }
}
