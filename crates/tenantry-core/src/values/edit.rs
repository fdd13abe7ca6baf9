//! What an update does to a value that may be there or not.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an update does with a value that there may be or not, and that no empty text could stand for: absent in the
/// request, it stays; `null` takes it away; a value takes its place.
///
/// Its field bears `#[serde(default, skip_serializing_if = "Edit::is_keep")]`. Every other optional field of an update
/// is an `Option`: `null` is then as if it were absent, and what can be cleared is cleared by an empty text or list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is none from now on.
    Clear,
    /// There is this one from now on.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether it stays as it is.
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
    /// Keeps what nothing is told of.
    pub(crate) fn of(told: Option<T>) -> Self {
        told.map_or(Self::Keep, Self::Set)
    }

    /// Carries it out on what there is.
    pub(crate) fn apply(&self, kept: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *kept = None,
            Self::Set(value) => *kept = Some(value.clone()),
        }
    }
}

impl Edit<&str> {
    /// What a text says that a request may leave out: an empty one clears.
    pub(crate) fn text(given: Option<&str>) -> Edit<&str> {
        match given.map(str::trim) {
            None => Edit::Keep,
            Some("") => Edit::Clear,
            Some(text) => Edit::Set(text),
        }
    }

    /// The same with what the text means.
    pub(crate) fn try_map<U, E>(self, read: impl FnOnce(&str) -> Result<U, E>) -> Result<Edit<U>, E> {
        Ok(match self {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(text) => Edit::Set(read(text)?),
        })
    }
}

/// As the request has it: `Keep` is the default of a field that is absent.
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
    fn absent_null_and_a_value_are_three_things_there_and_back() {
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
