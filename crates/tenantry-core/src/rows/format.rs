//! Encodes and decodes rows in the format of `postcard`: the fields one after the other, without their names.
//!
//! # What may change
//! Nodes of neighbouring versions work side by side on one store, and each reads what the other wrote:
//!
//! 1. A row may get a new field at its end, with `#[serde(default)]`. A row of an older version ends before that field,
//!    which then has its default. An older node does not know the field, and [`encode_over`] keeps its bytes when that
//!    node writes the row again.
//! 2. No field may be removed, moved, or given another type. A struct in a field may not even get new fields at its
//!    end, unless it is [`Nested`].
//! 3. An enum may get a new variant at its end. An older node cannot read a row with that variant: it answers 503 to
//!    requests that need the row, until the node is replaced.
//! 4. Any other change needs a new [format](crate::store::FORMAT).

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use postcard::de_flavors::Slice;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, DeserializeSeed, SeqAccess, Visitor},
};

use crate::values::error::Error;

/// Encodes a row.
pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Bytes, Error> {
    postcard::to_stdvec(row).map(Bytes::from).map_err(Error::internal)
}

/// As [`encode`], for a row that replaces the bytes `before`: fields at their end that only a newer version knows are
/// kept.
pub(crate) fn encode_over<T: Serialize + DeserializeOwned>(row: &T, before: Option<&[u8]>) -> Result<Bytes, Error> {
    let unknown = before.map(decode_known::<T>).transpose()?.map_or(&[][..], |(_, unknown)| unknown);
    let mut bytes = postcard::to_stdvec(row).map_err(Error::internal)?;
    bytes.extend_from_slice(unknown);
    Ok(bytes.into())
}

/// Decodes a row.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    decode_known(bytes).map(|(row, _)| row)
}

/// Decodes a row. Also answers the bytes behind its last known field.
fn decode_known<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), Error> {
    let left = Cell::new(bytes);
    let row = T::deserialize(Row(&left));
    row.map(|row| (row, left.get())).map_err(Error::unreadable)
}

impl<T> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.row
    }
}

impl<T> DerefMut for Nested<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.row
    }
}

/// A row within another row. It may get new fields, as any row may.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nested<T> {
    pub(crate) row: T,
    /// The bytes of fields at its end that only a newer version knows.
    unknown: Vec<u8>,
}

impl<T> Nested<T> {
    pub(crate) const fn new(row: T) -> Self {
        Self { row, unknown: Vec::new() }
    }
}

impl<T: Serialize> Serialize for Nested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = postcard::to_stdvec(&self.row).map_err(serde::ser::Error::custom)?;
        bytes.extend_from_slice(&self.unknown);
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let (row, unknown) = decode_known(bytes).map_err(serde::de::Error::custom)?;
        Ok(Self { row, unknown: unknown.to_vec() })
    }
}

/// Decodes as `postcard` does, except that a struct may end before its last fields. Holds the bytes that are left to
/// read.
struct Row<'c, 'de>(&'c Cell<&'de [u8]>);

impl<'de> Row<'_, 'de> {
    /// Reads a part of the bytes, and remembers what is left.
    fn read<T>(
        &self,
        part: impl FnOnce(&mut postcard::Deserializer<'de, Slice<'de>>) -> Result<T, postcard::Error>,
    ) -> Result<T, postcard::Error> {
        let mut input = postcard::Deserializer::from_bytes(self.0.get());
        let read = part(&mut input)?;
        self.0.set(input.finalize()?);
        Ok(read)
    }
}

macro_rules! read_as_they_are {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, postcard::Error> {
            self.read(|input| input.$method($($argument,)* visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Row<'_, 'de> {
    type Error = postcard::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, postcard::Error> {
        visitor.visit_seq(Fields { row: self, count: fields.len() })
    }

    read_as_they_are! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_seq();
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The fields of a struct, as far as there are bytes left.
struct Fields<'c, 'de> {
    row: Row<'c, 'de>,
    count: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = postcard::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, postcard::Error> {
        if self.count == 0 || self.row.0.get().is_empty() {
            return Ok(None);
        }
        self.count -= 1;
        self.row.read(|input| seed.deserialize(input)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::error::ErrorKind;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
        count: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        name: String,
        count: u32,
        #[serde(default)]
        colour: Option<String>,
        #[serde(default)]
        inner: Vec<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer<T: Serialize + DeserializeOwned> {
        #[serde(bound = "")]
        inner: Nested<T>,
        after: u8,
    }

    fn old(count: u32) -> Old {
        Old { name: "a".to_owned(), count }
    }

    fn new(count: u32) -> New {
        New { name: "a".to_owned(), count, colour: Some("red".to_owned()), inner: vec![1, 2] }
    }

    #[test]
    fn a_row_of_an_older_version_gets_defaults_for_new_fields() {
        let read: New = decode(&encode(&old(7)).unwrap()).unwrap();
        assert_eq!(read, New { colour: None, inner: Vec::new(), ..new(7) });
    }

    #[test]
    fn an_older_version_keeps_fields_that_it_does_not_know() {
        let written = encode(&new(7)).unwrap();
        let read: Old = decode(&written).unwrap();
        assert_eq!(read, old(7));
        let again = encode_over(&old(300), Some(&written)).unwrap();
        assert_eq!(decode::<New>(&again).unwrap(), new(300));
        assert_eq!(encode_over(&old(7), None).unwrap(), encode(&old(7)).unwrap());
    }

    #[test]
    fn a_row_within_another_may_grow_too() {
        let written = encode(&Outer { inner: Nested::new(new(7)), after: 9 }).unwrap();
        let mut read: Outer<Old> = decode(&written).unwrap();
        assert_eq!((&read.inner.row, read.after), (&old(7), 9));
        read.inner.row.count = 300;
        let again: Outer<New> = decode(&encode(&read).unwrap()).unwrap();
        assert_eq!((again.inner.row, again.after), (new(300), 9));
    }

    #[test]
    fn bytes_that_cannot_be_decoded_are_an_error_that_names_a_newer_version() {
        for bytes in [&[][..], &[200], &[3, b'a']] {
            let error = decode::<Old>(bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{bytes:?}");
            assert!(error.to_string().contains("newer version"), "{error}");
        }
    }
}
