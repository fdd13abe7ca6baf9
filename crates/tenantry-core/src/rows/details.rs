//! Encodes the details of an audit event, a JSON value, in fewer bytes than its text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use crate::values::ids::canonical_uuid;

/// Words that are frequent in details. A row stores the place of a word, so this list may only grow at its end.
const WORDS: &[&str] = &[
    "from",
    "to",
    "role",
    "roles",
    "member",
    "admin",
    "owner",
    "name",
    "slug",
    "userId",
    "invitation",
    "joinCode",
    "maxUses",
    "expiresAt",
    "permissions",
    "rateLimit",
    "alreadyMember",
    "notGranted",
    "version",
    "reason",
    "ownerless",
    "workspaces",
    "replacement",
    "overlapSeconds",
    "requests",
    "seconds",
    "email",
    "username",
    "active",
    "inactive",
    "suspended",
];

/// A text, in short form if it is a word of the table or an id.
#[derive(Serialize, Deserialize)]
enum Text {
    Plain(String),
    Word(u8),
    Id(Uuid),
}

/// A JSON value as it is stored. Most numbers are whole; others are kept as text.
#[derive(Serialize, Deserialize)]
enum Kept {
    Null,
    Bool(bool),
    Whole(i64),
    Number(String),
    Text(Text),
    List(Vec<Kept>),
    Map(Vec<(Text, Kept)>),
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if let Some(place) = WORDS.iter().position(|word| *word == text).and_then(|place| u8::try_from(place).ok()) {
            return Self::Word(place);
        }
        canonical_uuid(text).map_or_else(|| Self::Plain(text.to_owned()), Self::Id)
    }
}

impl Text {
    fn into_text(self) -> Result<String, &'static str> {
        match self {
            Self::Plain(text) => Ok(text),
            Self::Id(id) => Ok(id.to_string()),
            Self::Word(place) => {
                let word = WORDS.get(usize::from(place)).copied();
                word.map(str::to_owned).ok_or("a word of a newer version")
            }
        }
    }
}

impl From<&Value> for Kept {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number.as_i64().map_or_else(|| Self::Number(number.to_string()), Self::Whole),
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(values) => Self::List(values.iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.as_str().into(), value.into())).collect())
            }
        }
    }
}

impl Kept {
    fn into_value(self) -> Result<Value, &'static str> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Whole(number) => Value::Number(number.into()),
            Self::Number(text) => Value::Number(text.parse::<Number>().map_err(|_| "a number that is none")?),
            Self::Text(text) => Value::String(text.into_text()?),
            Self::List(values) => Value::Array(values.into_iter().map(Self::into_value).collect::<Result<_, _>>()?),
            Self::Map(map) => {
                let pair = |(key, value): (Text, Self)| Ok((key.into_text()?, value.into_value()?));
                Value::Object(map.into_iter().map(pair).collect::<Result<Map<_, _>, &str>>()?)
            }
        })
    }
}

pub(crate) fn serialize<S: Serializer>(details: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    Kept::from(details).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Kept::deserialize(deserializer)?.into_value().map_err(de::Error::custom)
}

/// Encodes the target of an event in the same way.
pub(crate) mod text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Text;

    #[expect(clippy::ref_option, reason = "serde gives the field as it is")]
    pub(crate) fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        text.as_deref().map(Text::from).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        let text = Option::<Text>::deserialize(deserializer)?;
        text.map(Text::into_text).transpose().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "text")]
        target: Option<String>,
        #[serde(with = "super")]
        details: Value,
    }

    #[test]
    fn any_details_are_read_as_they_were_written() {
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let values = [
            Value::Null,
            json!({}),
            json!({ "roles": ["member", "helper"], "from": null, "to": { "name": "é\u{1}", "version": 3 } }),
            json!([true, -1, 1.5, u64::MAX, i64::MIN, id, id.to_uppercase(), id.replace('-', ""), "", "\u{1}"]),
        ];
        for details in values {
            for target in [None, Some(id.to_owned()), Some("bob".to_owned()), Some("member".to_owned())] {
                let row = Row { target, details: details.clone() };
                let written = super::super::encode(&row).unwrap();
                assert_eq!(super::super::decode::<Row>(&written).unwrap(), row);
            }
        }
        let usual = Row { target: Some(id.to_owned()), details: json!({ "roles": ["member"] }) };
        assert!(super::super::encode(&usual).unwrap().len() < 32);
    }
}
