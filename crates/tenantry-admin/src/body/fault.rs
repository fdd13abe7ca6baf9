//! What is wrong with a body, in the words of whoever sent it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use tenantry_core::values::error::Error;

/// The most of a message or a path that is shown, in characters: what the caller sent may be in it.
const SHOWN_CHARS_MAX: usize = 300;

/// A fault of one field; [`at`](Self::at) says of which.
#[derive(Debug)]
pub(super) struct Fault {
    code: &'static str,
    detail: String,
    /// Below the place where it was noticed: a field that is missing there.
    missing: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), missing: None }
    }

    /// The field is not what it must be: it must be `this`.
    pub(super) fn give(this: impl fmt::Display) -> Self {
        Self::new("invalid", format!("give {this}"))
    }

    /// The error about the field with this path, which is empty for the body itself.
    pub(super) fn at(self, path: &str) -> Error {
        let field = match (path, self.missing) {
            ("", None) => "body".to_owned(),
            ("", Some(missing)) => missing.to_owned(),
            (path, None) => path.to_owned(),
            (path, Some(missing)) => format!("{path}.{missing}"),
        };
        Error::invalid_field(bounded(&field), self.code, bounded(&self.detail))
    }
}

pub(super) fn bounded(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Words and commas between them.
fn listed(words: &[&str]) -> String {
    words.join(", ")
}

impl de::Error for Fault {
    /// The types of the domain say what they expected.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.strip_prefix("expected ") {
            Some(expected) => Self::give(expected),
            None => Self::new("invalid", message),
        }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::give(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::give(expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::give(format_args!("one of {}", listed(expected)))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        let detail = match expected {
            [] => "there is no such field: leave it out".to_owned(),
            expected => format!("there is no such field: give some of {}", listed(expected)),
        };
        Self::new("unknown_field", detail)
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new("required", "this field is needed") }
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::new("duplicate", "give this field once")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}
