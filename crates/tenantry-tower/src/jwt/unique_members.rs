//! JSON objects in which no member stands twice, at any depth.
//!
//! Of two members of one name, one reader believes the first and another the last: whoever signed a token has perhaps
//! looked at another one than we do (RFC 7515, 4; RFC 7519, 4).

use serde_json::{Map, Value};

/// Why a text is no such object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAnObject {
    /// It is no JSON object.
    Malformed,
    /// A member stands twice.
    Doubled,
}

/// The object that `json` is.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    let object = serde_json::from_slice(json).map_err(|_| NotAnObject::Malformed)?;
    // Of those that stand twice, one was kept.
    if written(json) == kept(&object) { Ok(object) } else { Err(NotAnObject::Doubled) }
}

/// How many members a JSON text has, at any depth. Each has one colon outside of its strings, and nothing else has one.
fn written(json: &[u8]) -> usize {
    let (mut is_string, mut is_escaped, mut colons) = (false, false, 0);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b':' if !is_string => colons += 1,
            _ => {}
        }
    }
    colons
}

/// How many members an object has, at any depth.
fn kept(object: &Map<String, Value>) -> usize {
    object.len() + object.values().map(within).sum::<usize>()
}

fn within(value: &Value) -> usize {
    match value {
        Value::Object(object) => kept(object),
        Value::Array(elements) => elements.iter().map(within).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stands_once_at_any_depth() {
        let right = br#"{"a":{"a":1,"b":[{"a":null},{"a":-1.5e3}]},"b":"a","c":true,"d":18446744073709551615}"#;
        assert_eq!(object(right).unwrap().len(), 4);
        // What only looks like a member is none.
        for right in [r#"{"a\":\"a":1,"b":"{\"b\":1,\"b\":1}"}"#, r#"{ "a" : "\\" , "b:b" : [ ":", "\\\":" ] }"#, "{}"]
        {
            assert!(object(right.as_bytes()).is_ok(), "{right}");
        }
        for doubled in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[0,{"b":1,"b":1}]}"#,
            r#"{"":1,"":1}"#,
            r#"{"a":{"b":1},"a":{"c":1}}"#,
            r#"{"a":{"b":1,"c":2},"a":3}"#,
            r#"{"a":"\\","a":"\\\""}"#,
        ] {
            assert_eq!(object(doubled.as_bytes()), Err(NotAnObject::Doubled), "{doubled}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
        for malformed in ["", "[]", "1", "null", "{", r#"{"a":1}x"#, "{\"a\":\"\u{1}\"}", &deep] {
            assert_eq!(object(malformed.as_bytes()), Err(NotAnObject::Malformed), "{malformed}");
        }
    }
}
