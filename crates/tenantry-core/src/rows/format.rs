//! How a row is written: as `postcard` has it, its fields one after the other, without their names.
//!
//! # What may change
//! Nodes of neighbouring versions work side by side on one store, and each reads what the other wrote:
//!
//! 1. A row gets a new field at its end, with `#[serde(default)]`. An older row ends before it, and the field has its
//!    default. An older node leaves out what it does not know, and [`encode_over`] keeps that when it writes the row
//!    anew.
//! 2. No field is removed, moved, or given another type. Within the row, a value never grows: a struct in a field of
//!    another is as it is for ever, unless it is [`Nested`].
//! 3. An enum gets a new variant at its end. An older node that meets it in a row can do nothing about that: what needs
//!    the row is answered 503, until the node is replaced.
//! 4. What none of this allows takes the next [format](crate::store::FORMAT).

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

/// The row, for the store.
pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Bytes, Error> {
    postcard::to_stdvec(row).map(Bytes::from).map_err(Error::internal)
}

/// As [`encode`], for a row that was `before`: what a newer version has written behind the fields that this one knows
/// stays.
pub(crate) fn encode_over<T: Serialize + DeserializeOwned>(row: &T, before: Option<&[u8]>) -> Result<Bytes, Error> {
    let unknown = before.map(decode_known::<T>).transpose()?.map_or(&[][..], |(_, unknown)| unknown);
    let mut bytes = postcard::to_stdvec(row).map_err(Error::internal)?;
    bytes.extend_from_slice(unknown);
    Ok(bytes.into())
}

/// A row of the store.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    decode_known(bytes).map(|(row, _)| row)
}

/// The row, and what stands behind its last known field.
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

/// A row within another, which may get new fields as any row does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nested<T> {
    pub(crate) row: T,
    /// What a newer version has written behind the fields that this one knows.
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

/// Reads a row as its bytes are, but that a struct may end before its last fields. It holds what is left of the bytes.
struct Row<'c, 'de>(&'c Cell<&'de [u8]>);

impl<'de> Row<'_, 'de> {
    /// Reads a part of it, and notes what is left then.
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

/// The fields of a row that are there.
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
    fn a_row_of_an_older_version_has_defaults() {
        let read: New = decode(&encode(&old(7)).unwrap()).unwrap();
        assert_eq!(read, New { colour: None, inner: Vec::new(), ..new(7) });
    }

    #[test]
    fn an_older_version_keeps_what_it_does_not_know() {
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
    fn what_is_no_such_row_is_told() {
        for bytes in [&[][..], &[200], &[3, b'a']] {
            let error = decode::<Old>(bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{bytes:?}");
            assert!(error.to_string().contains("newer version"), "{error}");
        }
    }
}
