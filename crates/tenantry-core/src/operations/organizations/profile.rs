use serde_json::{Map, Value};

use crate::{
    rows::ProfileRow,
    values::{limits, regions, validate::Violations, web_address},
};

/// What an organization says about itself, as a request gives it. A field that is absent stays as it is; an empty text
/// clears it.
///
/// The requests have these fields at their top level, so this borrows them from there.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    pub(crate) description: Option<&'a str>,
    pub(crate) avatar_url: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) country_code: Option<&'a str>,
    pub(crate) country: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    pub(crate) city: Option<&'a str>,
    pub(crate) address: Option<&'a str>,
    pub(crate) timezone: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) metadata: Option<&'a Map<String, Value>>,
}

/// Borrows the profile's fields from a request that has them.
macro_rules! profile_of {
    ($request:expr) => {
        $crate::operations::organizations::Profile {
            description: $request.description.as_deref(),
            avatar_url: $request.avatar_url.as_deref(),
            kind: $request.kind.as_deref(),
            country_code: $request.country_code.as_deref(),
            country: $request.country.as_deref(),
            state: $request.state.as_deref(),
            city: $request.city.as_deref(),
            address: $request.address.as_deref(),
            timezone: $request.timezone.as_deref(),
            email: $request.email.as_deref(),
            metadata: $request.metadata.as_ref(),
        }
    };
}
pub(super) use profile_of;

impl Profile<'_> {
    pub(crate) fn check(&self, problems: &mut Violations) {
        problems.text("description", self.description, limits::DESCRIPTION_CHARS_MAX);
        problems.url("avatarUrl", self.avatar_url);
        let lines = [("type", self.kind), ("country", self.country), ("state", self.state), ("city", self.city)];
        for (field, text) in lines {
            problems.optional_line(field, text, limits::NAME_CHARS_MAX);
        }
        problems.text("address", self.address, limits::DESCRIPTION_CHARS_MAX);
        problems.email("email", self.email);
        problems.country("countryCode", self.country_code);
        problems.timezone("timezone", self.timezone);
        if self.metadata.is_some_and(|metadata| metadata_text(metadata).len() > limits::METADATA_BYTES_MAX) {
            let detail = format!("give at most {} bytes of JSON", limits::METADATA_BYTES_MAX);
            problems.add("metadata", "too_long", detail);
        }
        self.check_depth(problems);
    }

    /// Bounds the nesting of the metadata, so that no answer that shows it is nested deeper than clients can read.
    fn check_depth(&self, problems: &mut Violations) {
        let too_deep = |value: &Value| !is_within(value, limits::METADATA_DEPTH_MAX - 1);
        if self.metadata.is_some_and(|metadata| metadata.values().any(too_deep)) {
            let detail = format!("give JSON that is nested at most {} levels deep", limits::METADATA_DEPTH_MAX);
            problems.add("metadata", "too_deep", detail);
        }
    }

    /// Writes the fields that are given into `row`.
    pub(crate) fn apply(&self, row: &mut ProfileRow) {
        let timezone = self.timezone.map(|name| regions::timezone(name.trim()).unwrap_or_default());
        let avatar_url = self.avatar_url.map(|url| web_address::read(url).unwrap_or_default());
        let texts = [
            (&mut row.description, self.description),
            (&mut row.country_code, self.country_code),
            (&mut row.country, self.country),
            (&mut row.state, self.state),
            (&mut row.city, self.city),
            (&mut row.address, self.address),
            (&mut row.timezone, timezone),
            (&mut row.email, self.email),
        ];
        for (kept, given) in texts {
            if let Some(given) = given {
                given.trim().clone_into(kept);
            }
        }
        for (kept, given) in [(&mut row.avatar_url, avatar_url.as_deref()), (&mut row.kind, self.kind)] {
            if let Some(given) = given {
                *kept = Some(given.trim().to_owned()).filter(|text| !text.is_empty());
            }
        }
        if let Some(metadata) = self.metadata {
            row.metadata = if metadata.is_empty() { String::new() } else { metadata_text(metadata) };
        }
    }
}

/// Whether the value is nested at most `levels` deep: a list or an object is one level, and what is in it the next.
fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| is_within(field, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn metadata_text(metadata: &Map<String, Value>) -> String {
    serde_json::to_string(metadata).unwrap_or_default() // a map of JSON values is JSON
}
