//! How the rows of a shard are the fields of one hash, and the indexes one sorted set.
//!
//! Everything that a commit touches lies in keys that are there as long as the shard is. Redis refuses a command whose
//! keys are there in part while their slot moves to another node; so no row has a key of its own, not even one with a
//! lifetime, which Redis could forget by itself then.
//!
//! | what | where |
//! |---|---|
//! | a row or counter | field `<name>`, or `\x02<name>` if the name begins with `\x01` or `\x02` |
//! | a row with a lifetime | field `\x01<name>`: when it ends, in milliseconds, as 8 bytes, then the value |
//! | an entry of an index | member `<tag><key>`, whose score is `<tag>` · 2^47 + its number |
//!
//! A row that has ended is absent to readers and checks, by the clock of the node that asks. Each commit that puts rows with
//! a lifetime looks at some fields by chance and deletes those that have ended: so at most a small part of a hash has.

use std::borrow::Cow;

use bytes::Bytes;
use tenantry_core::{
    store::{Index, Key},
    values::clock::Timestamp,
};

const PASSING: char = '\u{1}';
const ESCAPED: char = '\u{2}';
const END_BYTES: usize = size_of::<u64>();

/// The field of a row or counter.
pub(crate) fn field(key: &Key) -> Cow<'_, str> {
    match key.lifetime() {
        Some(_) => format!("{PASSING}{}", key.name()).into(),
        None => lasting(key.name()),
    }
}

/// The field of a row without a lifetime, or of a counter.
pub(crate) fn lasting(name: &str) -> Cow<'_, str> {
    if name.starts_with([PASSING, ESCAPED]) { format!("{ESCAPED}{name}").into() } else { name.into() }
}

/// When a row that is put at `now` ends: milliseconds since 1970, none before.
pub(crate) fn end(key: &Key, now: Timestamp) -> Option<u64> {
    key.lifetime().map(|lifetime| millis(now.after(lifetime)))
}

pub(crate) fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(0)
}

/// The value of a row that ends.
pub(crate) fn ending(end: u64, value: &[u8]) -> Vec<u8> {
    [&end.to_be_bytes()[..], value].concat()
}

/// The row's value, as the field has it; `None`: it has ended.
pub(crate) fn value(key: &Key, field: Bytes, now: Timestamp) -> Option<Bytes> {
    if key.lifetime().is_none() {
        return Some(field);
    }
    let end = u64::from_be_bytes(*field.first_chunk::<END_BYTES>()?);
    (end > millis(now)).then(|| field.slice(END_BYTES..))
}

/// The member of an index's entry.
pub(crate) fn member(index: Index, key: &str) -> Vec<u8> {
    [&[index.tag()], key.as_bytes()].concat()
}

/// The score of the entry with this number.
pub(crate) fn score(index: Index, number: u64) -> u64 {
    u64::from(index.tag()) * (Index::NUMBER_MAX + 1) + number.min(Index::NUMBER_MAX)
}

/// Undoes [`score`].
pub(crate) const fn number(score: u64) -> u64 {
    score & Index::NUMBER_MAX
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_two_rows_have_one_field() {
        let names = ["", "a", "\u{1}a", "\u{2}a", "\u{2}\u{1}a", "\u{1}\u{1}a", "\u{2}\u{2}a"];
        let keys = names.map(Key::lasting).into_iter();
        let keys = keys.chain(names.map(|name| Key::passing(name, Duration::from_secs(1))));
        let mut fields: Vec<_> = keys.map(|key| field(&key).into_owned()).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), 2 * names.len());
    }

    #[test]
    fn scores_of_different_indexes_are_apart() {
        let (first, second) = (Index::new("a", 1), Index::new("b", 2));
        assert!(score(first, u64::MAX) < score(second, 0));
        assert!(score(Index::new("z", 63), u64::MAX) < 1 << 53, "Redis keeps scores exactly up to there");
        assert_eq!(number(score(second, 7)), 7);
    }
}
