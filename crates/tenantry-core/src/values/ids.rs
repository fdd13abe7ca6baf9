//! Typed ids: one cannot be passed where another is meant.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::values::{
    base62,
    clock::Timestamp,
    entropy::{Entropy, EntropyError, bytes},
    limits,
};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A version 7 UUID: ids sort by the time at which they were made.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, made at `now`.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                Ok(Self::from_parts(now, bytes(entropy)?))
            }

            /// The id of something made at `now`; `random` distinguishes it from all others.
            #[must_use]
            pub fn from_parts(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The same id as a UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The short form that keys and stores use: 22 characters of base62.
            #[must_use]
            pub fn to_base62(&self) -> String {
                base62::encode(self.0.as_bytes(), 22)
            }

            /// Reads the short form.
            #[must_use]
            pub fn from_base62(text: &str) -> Option<Self> {
                (text.len() == 22).then(|| base62::decode(text))?.map(|bytes| Self(Uuid::from_bytes(bytes)))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form, in either case (RFC 9562): one id has one spelling.
                let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                if text.len() == 36 { Ok(Self(uuid)) } else { Err(InvalidId) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    Uuid::deserialize(deserializer).map(Self)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

uuid_id! {
    /// Names an organization.
    OrganizationId
}
uuid_id! {
    /// Names an invitation.
    InvitationId
}
uuid_id! {
    /// Names a join code without revealing it.
    JoinCodeId
}
uuid_id! {
    /// Names a workspace.
    WorkspaceId
}

/// The text is not an id of the form that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as 0192f0c1-2b3a-7c4d-8e5f-60718293a4b5")]
pub struct InvalidId;

/// Names a user, wherever one is named: in a host's code, in the input of an operation (`userId`), in an answer.
///
/// 1 to 255 bytes without control characters; compared byte by byte. For a user who signs in with a JWT it is the `sub`
/// claim or, if the host has the ids of that issuer's users qualified, the whole of [`qualified`](Self::qualified).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

/// How an id begins that is qualified by its issuer. No other id may begin so.
const QUALIFIED: &str = "iss:";
/// What separates the issuer from the user in such an id.
const QUALIFIED_END: char = '#';

impl UserId {
    /// The user whom the host calls `id`.
    ///
    /// # Errors
    /// [`InvalidUserId`], if it is empty, too long or has a control character.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self, InvalidUserId> {
        let id = id.into();
        if id.is_empty() {
            Err(InvalidUserId::Empty)
        } else if id.len() > limits::USER_ID_BYTES_MAX {
            Err(InvalidUserId::TooLong(id.len()))
        } else if id.chars().any(char::is_control) {
            Err(InvalidUserId::ControlCharacter)
        } else {
            Ok(Self(id))
        }
    }

    /// The user whom the issuer `iss` calls `sub`, in a form that no user of another issuer has: `iss:<iss>#<sub>`.
    ///
    /// ```
    /// use tenantry_core::values::ids::UserId;
    ///
    /// let ann = UserId::qualified("https://partner.example", "ann")?;
    /// assert_eq!(ann.as_str(), "iss:https://partner.example#ann");
    /// # Ok::<(), tenantry_core::values::ids::InvalidUserId>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidUserId`], if the whole id breaks the rules of [`new`](Self::new), if `sub` is empty, or if `iss`
    /// contains a `#`: then users of two issuers could have the same id.
    pub fn qualified(iss: &str, sub: &str) -> Result<Self, InvalidUserId> {
        if iss.contains(QUALIFIED_END) {
            return Err(InvalidUserId::Issuer);
        }
        if sub.is_empty() {
            return Err(InvalidUserId::Empty);
        }
        Self::new(format!("{QUALIFIED}{iss}{QUALIFIED_END}{sub}"))
    }

    /// Whether the id has the form of [`qualified`](Self::qualified).
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        self.0.starts_with(QUALIFIED)
    }

    /// The id as the host wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = InvalidUserId;

    fn from_str(text: &str) -> Result<Self, InvalidUserId> {
        Self::new(text)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({:?})", &*self.0)
    }
}

/// A user's id as a row has it: in half of the bytes if it is a UUID.
#[derive(Serialize, Deserialize)]
enum KeptUserId<'i> {
    Text(#[serde(borrow)] Cow<'i, str>),
    Uuid([u8; 16]),
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(&self.0);
        }
        let uuid = canonical_uuid(&self.0).map(Uuid::into_bytes);
        uuid.map_or_else(|| KeptUserId::Text(Cow::Borrowed(&self.0)), KeptUserId::Uuid).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
        } else {
            match KeptUserId::deserialize(deserializer)? {
                KeptUserId::Text(text) => text.into_owned(),
                KeptUserId::Uuid(bytes) => Uuid::from_bytes(bytes).to_string(),
            }
        };
        Self::new(id).map_err(de::Error::custom)
    }
}

/// The UUID that `text` is, if `text` is its canonical spelling, so that it can be restored from the UUID.
pub(crate) fn canonical_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    let mut buffer = Uuid::encode_buffer();
    (*uuid.as_hyphenated().encode_lower(&mut buffer) == *text).then_some(uuid)
}

/// The text cannot name a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUserId {
    /// The id is empty.
    #[error("a user id is not empty")]
    Empty,
    /// The id is too long: it has this many bytes.
    #[error("a user id has at most {max} bytes, and this would have {0}", max = limits::USER_ID_BYTES_MAX)]
    TooLong(usize),
    /// The id has a control character.
    #[error("a user id has no control characters")]
    ControlCharacter,
    /// The issuer's name has a `#` in it, which would end it.
    #[error("an issuer that qualifies user ids has no # in its name")]
    Issuer,
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type};

    macro_rules! string_schema {
        ($($name:ty => $builder:expr),* $(,)?) => {$(
            impl utoipa::PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let object: ObjectBuilder = $builder;
                    object.schema_type(Type::String).into()
                }
            }
            impl utoipa::ToSchema for $name {}
        )*};
    }

    string_schema! {
        super::OrganizationId => ObjectBuilder::new().format(Some(SchemaFormat::Custom("uuid".to_owned()))),
        super::InvitationId => ObjectBuilder::new().format(Some(SchemaFormat::Custom("uuid".to_owned()))),
        super::JoinCodeId => ObjectBuilder::new().format(Some(SchemaFormat::Custom("uuid".to_owned()))),
        super::WorkspaceId => ObjectBuilder::new().format(Some(SchemaFormat::Custom("uuid".to_owned()))),
        super::UserId => ObjectBuilder::new()
            .min_length(Some(1))
            .max_length(Some(255))
            .description(Some(
                "The whole id of a user: the `sub` of their JWT, or `iss:<iss>#<sub>` where the service has the ids of \
                 that issuer's users qualified.",
            )),
        crate::values::clock::Timestamp => ObjectBuilder::new().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_has_one_spelling_and_a_short_form() {
        let id = OrganizationId::from_parts(Timestamp::from_millis(1_763_000_000_000), [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(OrganizationId::from_base62(&id.to_base62()), Some(id));
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.as_uuid().simple().to_string().parse::<OrganizationId>(), Err(InvalidId));
        assert_eq!(OrganizationId::from_base62("short"), None);
    }

    #[test]
    fn a_user_id_is_bounded_and_printable() {
        assert!(UserId::new("auth0|5f7c8ec7c33c6c004bbafe82").is_ok());
        assert!(UserId::new("x".repeat(255)).is_ok());
        assert_eq!(UserId::new(""), Err(InvalidUserId::Empty));
        assert_eq!(UserId::new("a\nb"), Err(InvalidUserId::ControlCharacter));
        let too_long = UserId::new("x".repeat(256)).unwrap_err();
        assert_eq!(too_long.to_string(), "a user id has at most 255 bytes, and this would have 256");
    }

    #[test]
    fn a_row_keeps_any_user_id_and_a_uuid_in_17_bytes() {
        let uuid = "76ac7412-9ed6-40fc-8a07-afb363510bd0";
        let urn = format!("urn:uuid:{uuid}");
        for text in [uuid, &uuid.to_uppercase(), &uuid.replace('-', ""), &urn, "auth0|5f7c8ec7c33c6c004bbafe82", "é"] {
            let id = UserId::new(text).unwrap();
            let row = crate::rows::encode(&id).unwrap();
            assert_eq!(crate::rows::decode::<UserId>(&row).unwrap(), id);
            assert_eq!(row.len() == 17, text == uuid, "{text}");
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn a_qualified_id_is_that_of_one_issuer_and_one_sub() {
        let id = |iss: &str, sub: &str| UserId::qualified(iss, sub).map(|id| id.to_string());
        assert_eq!(id("https://a", "ann").unwrap(), "iss:https://a#ann");
        assert!(UserId::qualified("https://a", "ann").unwrap().is_qualified());
        assert!(!UserId::new("https://a#ann").unwrap().is_qualified());
        // Wherever issuer and user are divided, every pair has an id of its own.
        let (issuers, subs) = (["a", "a:", "aiss:", "iss:a", "a/b"], ["b", "#b", "##b", "iss:a#b", "/b#b"]);
        let ids: BTreeSet<_> = issuers.iter().flat_map(|iss| subs.map(|sub| id(iss, sub).unwrap())).collect();
        assert_eq!(ids.len(), issuers.len() * subs.len());
        assert_eq!(id("https://a#", "b"), Err(InvalidUserId::Issuer));
        assert_eq!(id("https://a", ""), Err(InvalidUserId::Empty));
        assert_eq!(id("https://a", &"x".repeat(241)).unwrap().len(), 255);
        assert_eq!(id("https://a", &"x".repeat(242)), Err(InvalidUserId::TooLong(256)));
    }
}
