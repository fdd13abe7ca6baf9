//! Sorted indexes as sorted sets whose scores are all 0, which Redis orders by the bytes of their members.
//!
//! A member is the sort key, two NULs, and the entry. A NUL within the sort key is followed by a 1, so that the two NULs
//! end it, and members are in the order of their sort keys, then of their entries.

use redis::Cmd;
use tenantry_core::store::{Direction, Sorted, SortedRange};

const END: &str = "\0\0";

pub(crate) fn member(entry: &Sorted) -> String {
    format!("{}{END}{}", escaped(&entry.sort_key), entry.entry)
}

/// What all members with this sort key are not less than, and what they are less than.
pub(crate) fn members(sort_key: &str) -> (String, String) {
    let sort_key = escaped(sort_key);
    // A longer sort key that begins so goes on with a NUL and a 1, or with something greater than a NUL.
    (format!("{sort_key}{END}"), format!("{sort_key}\0\x01"))
}

/// `None`: it is not what [`member`] makes.
pub(crate) fn parse(member: &str) -> Option<Sorted> {
    let (sort_key, entry) = member.split_once(END)?;
    Some(Sorted { sort_key: sort_key.replace("\0\x01", "\0"), entry: entry.to_owned() })
}

fn escaped(sort_key: &str) -> String {
    sort_key.replace('\0', "\0\x01")
}

/// Reads `range` of the sorted set `key`.
pub(crate) fn command(key: String, range: &SortedRange, limit: i64) -> Cmd {
    let after = range.after.as_ref().map(member);
    // No member equals an escaped sort key: each has at least two NULs more.
    let (from, below) = (range.from.as_deref().map(escaped), range.below.as_deref().map(escaped));
    let (least, most) = match range.direction {
        Direction::Ascending => (after.into_iter().chain(from).max(), below),
        Direction::Descending => (from, after.into_iter().chain(below).min()),
    };
    let least = least.map_or_else(|| "-".to_owned(), |least| format!("({least}"));
    let most = most.map_or_else(|| "+".to_owned(), |most| format!("({most}"));
    let mut command = redis::cmd("ZRANGE");
    command.arg(key);
    match range.direction {
        Direction::Ascending => command.arg(least).arg(most).arg("BYLEX"),
        Direction::Descending => command.arg(most).arg(least).arg("BYLEX").arg("REV"),
    };
    command.arg("LIMIT").arg(0).arg(limit);
    command
}
