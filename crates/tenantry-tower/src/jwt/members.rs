//! JSON objects in which no member stands twice, at any depth.
//!
//! Of two members of one name, one reader believes the first and another the last: whoever signed a token has perhaps
//! looked at another one than we do (RFC 8725, 2.4; RFC 7515, 4).

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Why a text is no such object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoObject {
    /// It is no JSON object.
    Malformed,
    /// A member stands twice.
    Doubled,
}

/// The object that `json` is.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, NoObject> {
    let object = serde_json::from_slice(json).map_err(|_| NoObject::Malformed)?;
    // What could be read once can be read again: only a doubled member is left to fail.
    serde_json::from_slice::<Single>(json).map_err(|_| NoObject::Doubled)?;
    Ok(object)
}

/// Any value, of whose objects no member stands twice. It looks at names alone, so that it does not matter how
/// `serde_json` represents a number.
struct Single;

#[derive(PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Single {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<Name<'de>>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member stands twice"));
            }
            members.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stands_once_at_any_depth() {
        let right = br#"{"a":{"a":1,"b":[{"a":null},{"a":-1.5e3}]},"b":"a","c":true,"d":18446744073709551615}"#;
        assert_eq!(object(right).unwrap().len(), 4);
        for doubled in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[0,{"b":1,"b":1}]}"#,
            r#"{"":1,"":1}"#,
        ] {
            assert_eq!(object(doubled.as_bytes()), Err(NoObject::Doubled), "{doubled}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
        for malformed in ["", "[]", "1", "null", "{", r#"{"a":1}x"#, "{\"a\":\"\u{1}\"}", &deep] {
            assert_eq!(object(malformed.as_bytes()), Err(NoObject::Malformed), "{malformed}");
        }
    }
}
