//! From the text of a body to JSON that is exactly what was sent, or a refusal.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};
use tenantry_core::values::{
    error::{Error, ErrorKind},
    limits,
};

use super::fault::{Fault, bounded};

/// The body as JSON.
pub(super) fn read(body: &[u8]) -> Result<Value, Error> {
    // Of what is nested, no more than where it ends is looked at here: however deep it is.
    let raw: &RawValue = serde_json::from_slice(body)
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, bounded(&format!("the body is not JSON: {error}"))))?;
    value(raw, &mut Vec::new())
}

/// Where a value stands: keys, and places in lists.
enum Step {
    Key(String),
    Place(usize),
}

fn value(raw: &RawValue, path: &mut Vec<Step>) -> Result<Value, Error> {
    if path.len() > limits::BODY_DEPTH_MAX {
        let detail = format!("it is nested too deeply: at most {} levels", limits::BODY_DEPTH_MAX);
        path.truncate(1);
        return Err(Fault::new("too_deep", detail).at(&shown(path)));
    }
    // serde_json has found that the text is one value of JSON, and begins with what tells its kind.
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => object(text, path).map(Value::Object),
        Some(b'[') => list(text, path).map(Value::Array),
        Some(b'-' | b'0'..=b'9') => number(text).map(Value::Number).map_err(|fault| fault.at(&shown(path))),
        _ => serde_json::from_str(text).map_err(|_| Fault::give("a text that is Unicode").at(&shown(path))),
    }
}

fn object(text: &str, path: &mut Vec<Step>) -> Result<Map<String, Value>, Error> {
    let Entries(entries) = serde_json::from_str(text).map_err(|_| Fault::give("a JSON object").at(&shown(path)))?;
    let mut keys = BTreeSet::new();
    let mut fields = Map::new();
    for (key, raw) in entries {
        path.push(Step::Key(key.clone()));
        if !keys.insert(key.clone()) {
            return Err(Fault::new("duplicate", "give this field once").at(&shown(path)));
        }
        fields.insert(key, value(raw, path)?);
        path.pop();
    }
    Ok(fields)
}

fn list(text: &str, path: &mut Vec<Step>) -> Result<Vec<Value>, Error> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Fault::give("a list").at(&shown(path)))?;
    let mut values = Vec::with_capacity(items.len());
    for (place, raw) in items.into_iter().enumerate() {
        path.push(Step::Place(place));
        values.push(value(raw, path)?);
        path.pop();
    }
    Ok(values)
}

/// The number, if it can be kept exactly: a whole one of 64 bits, or a decimal that a double writes alike.
fn number(text: &str) -> Result<Number, Fault> {
    if !text.contains(['.', 'e', 'E']) {
        let whole = text.parse().map(|number: u64| Number::from(number));
        let whole = whole.or_else(|_| text.parse().map(|number: i64| Number::from(number)));
        return whole.map_err(|_| Fault::give("a whole number of at most 64 bits, or a text"));
    }
    let inexact = || Fault::give("a number that a double can hold exactly as it is written, or a text");
    let double: f64 = text.parse().map_err(|_| inexact())?;
    let number = Number::from_f64(double).ok_or_else(inexact)?;
    if decimal(text) == decimal(&number.to_string()) { Ok(number) } else { Err(inexact()) }
}

/// A decimal number as its sign, its digits without zeros around them, and the power of ten of the last of these.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let power = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(zeros)?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        Some((false, String::new(), 0))
    } else {
        Some((negative, significant.to_owned(), power))
    }
}

/// The path as a refusal names it: `invitations[3].email`.
fn shown(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Key(key) if shown.is_empty() => shown.push_str(key),
            Step::Key(key) => {
                shown.push('.');
                shown.push_str(key);
            }
            Step::Place(place) => shown.extend(["[", &place.to_string(), "]"]),
        }
    }
    shown
}

/// The fields of an object in their order, those that stand twice too.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (String, String) {
        let error = read(text.as_bytes()).unwrap_err();
        error.fields().first().map(|fault| (fault.field.clone(), fault.code.to_string())).unwrap_or_default()
    }

    #[test]
    fn what_is_kept_is_what_was_sent() {
        for text in [
            "0",
            "-1",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1.5e300",
            "5e-324",
            "1.10",
            "1E3",
            "-0.0",
            "1.7976931348623157e308",
            "123456789.125",
            "0e5",
            "100.00",
        ] {
            let read = read(text.as_bytes()).unwrap();
            assert_eq!(decimal(&read.to_string()), decimal(text), "{text} became {read}");
            let again: Value = serde_json::from_str(&read.to_string()).unwrap();
            assert_eq!(again, read, "what is stored is read as what it was");
        }
        let text = r#"{"a":[{"b":"\u00e9\n"},null,true],"c":{}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_cannot_be_kept_is_refused_where_it_stands() {
        let invalid = |field: &str| (field.to_owned(), "invalid".to_owned());
        for number in [
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "-1e400",
            "1e-400",
            "0.1234567890123456789",
            "9007199254740993.0",
            "1e99999999999999999999",
        ] {
            assert_eq!(
                refusal(&format!(r#"{{"metadata":{{"a":[1,{number}]}}}}"#)),
                invalid("metadata.a[1]"),
                "{number}"
            );
        }
        let duplicate = |field: &str| (field.to_owned(), "duplicate".to_owned());
        assert_eq!(refusal(r#"{"name":"a","name":"a"}"#), duplicate("name"));
        assert_eq!(refusal(r#"{"a":[{"b":1,"\u0062":2}]}"#), duplicate("a[0].b"));
        assert_eq!(refusal(r#"{"a":"\ud800"}"#), invalid("a"));
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        let nested = |depth: usize| format!(r#"{{"metadata":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(limits::BODY_DEPTH_MAX - 1).as_bytes()).is_ok());
        let (field, code) = refusal(&nested(limits::BODY_DEPTH_MAX));
        assert_eq!((&*field, &*code), ("metadata", "too_deep"));
        assert_eq!(refusal(&nested(20_000)).1, "too_deep");
        assert_eq!(refusal(&"[".repeat(60_000)), Default::default());
    }
}
