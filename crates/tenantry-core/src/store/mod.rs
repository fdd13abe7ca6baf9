//! The contract of a store.
//!
//! A store keeps rows and applies transactions. It knows no rule: every decision is made in this crate and arrives as
//! a [`Txn`] that says what must still be so and what is to be written. That is why a store is small, and why all
//! stores behave alike. `tenantry-testing` has a conformance kit that tells whether a store keeps this contract.
//!
//! # What is kept
//! State is divided into [`Shard`]s; a call touches exactly one, but for [`Store::commit_together`]. In a shard there are
//!
//! 1. **rows**: a [`Key`] and a value of bytes. A key may have a *lifetime*: such a row is absent after that time (by the
//!    clock of the store or of its node, give or take a minute), and a put starts the time anew. The store removes
//!    what has ended sooner or later: little by little with further commits that put such rows into the shard, or
//!    when the shard [was ended](Txn::ends_shard). Every other row stays until it is deleted;
//! 2. **counters**: rows whose value is a whole number in decimal text (an absent row counts as 0), changed by
//!    [`Add`] within bounds, without having been read;
//! 3. **[indexes](Index)**: ordered lists of entries, each with a unique key and a [number](Numbered) that the store
//!    gives at the entry's first put in the index: one more than it ever gave there before. A number is never given
//!    twice, also when its entry is gone. Or else the caller gives the number, and then several entries may have the
//!    same: they are ordered by their keys, byte by byte. A put of an entry that is there changes nothing;
//! 4. **sorted indexes**: sets of [`Sorted`] entries, ordered by the sort key that the caller gives each of them, then by
//!    the entry itself, both compared byte by byte. An entry may be there under several sort keys; a put of an entry
//!    that is there under the same sort key changes nothing;
//! 5. **logs**: lists of bytes that only grow, numbered from 0 without gaps, until they are dropped as a whole.
//!
//! Rows, counters, indexes, sorted indexes and logs are namespaces of their own, but for rows and counters, which share
//! one.
//!
//! # What is promised
//! 1. [`commit`](Store::commit) is atomic and isolated: all of the transaction is applied or nothing is, and no
//!    [`read`](Store::read) sees a part of it. It is applied if, and only if, every [`Check`] holds, every [`Add`]
//!    stays within its bounds and there is every [`Room`]; the checks are looked at first.
//! 2. What `commit` acknowledged is seen by every later call on every node, and stays (as far as the store's medium
//!    was configured to keep it).
//! 3. After `commit` answered `Ok`, its notices reach every listener of [`changes`](Store::changes) on every node, in
//!    the order of the commits of that shard, or the listener hears [`Signal::LinkLost`]. Never silence.
//! 4. Every call ends within a bounded time, with [`Unavailable`] if need be. A commit that ended with
//!    [`CommitError::Unavailable`] may have been applied, or may yet be; one that ended with
//!    [`CommitError::NotApplied`] was not and never will be.
//! 5. A store that has no room for more refuses what grows with [`CommitError::NotApplied`] of [`Unavailable::full`], and
//!    still applies a transaction that [frees](Txn::frees), if its medium can.
//! 6. A store that comes back by itself when what stood in its way is gone says no more than that it is unavailable. One
//!    that cannot says so with [`Unavailable::until_restart`].
//!
//! # A listener's life
//! A stream from `changes` begins with [`Signal::LinkBack`] once notices arrive. When they may be missing it says
//! [`Signal::LinkLost`], and `LinkBack` once they arrive again. A listener that cannot keep up is told the same way.
//! A store whose notices come over a network also proves with [`Signal::Proven`], several times a second, that they do.

pub mod change;
mod commit_error;
#[cfg(feature = "store-kit")]
pub mod hub;
pub(crate) mod outage;
mod unavailable;

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use serde::{Deserialize, Serialize};

use crate::store::change::{Change, Signal};

pub use self::{commit_error::CommitError, unavailable::Unavailable};

/// The format of what this crate keeps in a store.
///
/// A store notes it when it is first used, and cannot be opened by a version that knows only older ones. Versions of
/// one format work side by side on one store.
pub const FORMAT: u32 = 1;

/// The notices of all commits, on all nodes.
pub type Changes = Pin<Box<dyn Stream<Item = Signal> + Send>>;

/// Keeps the state of all organizations. See the [module](self) for the contract.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The values of `keys`, in their order; `None` for a row that is absent. One round trip.
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable>;

    /// A part of an index. One round trip.
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable>;

    /// A part of a sorted index. One round trip.
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable>;

    /// The numbers of the entries with these keys in `index`, in their order; `None` for one that is not there. One
    /// round trip.
    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable>;

    /// The entries of `log` that precede number `before` (or the end of the log), newest first, at most `limit`.
    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable>;

    /// Applies `txn`, atomically, if all of its checks hold and none of its bounds is left.
    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError>;

    /// Applies `txn` to `shard` as [`commit`](Self::commit) does and, in the same moment, each of `others` to its shard:
    /// all of it or nothing. `None`: nothing was applied, since the store keeps those shards in several places, or since
    /// one of `others` is refused, or since together they are [too large](Txn::check_size). Whoever asked goes on step by
    /// step then.
    ///
    /// The others put and delete rows and entries of sorted indexes, none of them twice. They may check that a row which
    /// they put is absent, and that there is [room](Room).
    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        let _ = (shard, txn, others);
        Ok(None)
    }

    /// Ends well when all that was committed to `shard` before is kept as safely as `commit` acknowledges it.
    ///
    /// Whoever acknowledges what another commit did, without one of their own, asks for this first: that commit may
    /// have been applied and not confirmed. A store whose commits are kept as soon as they can be seen has nothing to
    /// wait for.
    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        let _ = shard;
        Ok(())
    }

    /// The notices of all commits from now on.
    fn changes(&self) -> Changes;

    /// Answers if the store can be reached and used.
    async fn ping(&self) -> Result<(), Unavailable>;
}

/// A part of the state that is read and committed on its own: an organization, or one entry point into many.
///
/// The name consists of printable ASCII without braces and spaces, at most 1 KiB.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(Arc<str>);

impl Shard {
    /// The shard of that name. Everything outside of `[A-Za-z0-9._~:@|/+-]` is written as `%XX`.
    #[must_use]
    pub fn new(kind: char, name: &str) -> Self {
        let mut text = String::with_capacity(name.len() + 2);
        text.push(kind);
        text.push(':');
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"._~:@|/+-".contains(&byte) {
                text.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        Self(text.into())
    }

    /// The shard's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a row or a counter within its shard.
///
/// A row with a lifetime and a row without one are different rows, whatever their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    name: Cow<'static, str>,
    lifetime: Option<Duration>,
}

impl Key {
    /// A row that stays until it is deleted.
    #[must_use]
    pub fn lasting(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), lifetime: None }
    }

    /// A row that the store forgets `lifetime` after its last put. Never a counter.
    #[must_use]
    pub fn passing(name: impl Into<Cow<'static, str>>, lifetime: Duration) -> Self {
        Self { name: name.into(), lifetime: Some(lifetime) }
    }

    /// The key's name: any text of at most 1 KiB.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long the row lives after a put; `None`: until it is deleted.
    #[must_use]
    pub const fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

/// Everything that one commit requires and does.
///
/// No key is put or deleted twice in one transaction, nor put and added to; an entry of an index is put or deleted
/// once.
/// A counter may be added to several times: one after the other, in the order of [`adds`](Self::adds).
///
/// A store takes every transaction of at most [`ITEMS_MAX`](Self::ITEMS_MAX) items and [`BYTES_MAX`](Self::BYTES_MAX)
/// bytes, and [refuses](Self::check_size) every larger one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    /// The shard must be empty: no row, no entry, no log. Otherwise it is a [`Conflict`](CommitError::Conflict).
    pub is_first: bool,
    /// It ends something: what is kept hardly grows by it, or shrinks. A store that is full takes it nevertheless, if
    /// its medium can.
    pub frees: bool,
    /// Nothing is left in the shard by it but rows with a lifetime, which the store removes within this time; `None`:
    /// the shard goes on. Whatever is put there afterwards stays nevertheless, provided that its transaction has a check.
    pub ends_shard: Option<Duration>,
    /// What must still be so.
    pub checks: Vec<Check>,
    /// Rows to write.
    pub puts: Vec<(Key, Bytes)>,
    /// Rows to delete; an absent one is no error.
    pub deletes: Vec<Key>,
    /// Counters to change.
    pub adds: Vec<Add>,
    /// Entries to put into an index, at its end.
    pub index_puts: Vec<Entry>,
    /// Entries to delete from an index; an absent one is no error.
    pub index_deletes: Vec<Entry>,
    /// Entries of [`sorted_puts`](Self::sorted_puts) for which there must be room.
    pub rooms: Vec<Room>,
    /// Entries to put into which sorted index.
    pub sorted_puts: Vec<(&'static str, Sorted)>,
    /// Entries to delete from which sorted index; an absent one is no error.
    pub sorted_deletes: Vec<(&'static str, Sorted)>,
    /// Logs to drop, before anything is appended: the next entry is number 0 again. One that is not there is no error.
    pub log_drops: Vec<&'static str>,
    /// What to append to which log.
    pub appends: Vec<(&'static str, Bytes)>,
    /// What to tell every node, once the rest is applied.
    pub notices: Vec<Change>,
}

impl Txn {
    /// How many checks, rows, counters, entries, logs and notices a transaction may have together.
    pub const ITEMS_MAX: usize = 16_384;
    /// How long the values in it may be together.
    pub const BYTES_MAX: usize = 1024 * 1024;

    /// For a store, before it begins: whether transactions that are applied together are of a size that it must take.
    pub fn check_size<'t>(txns: impl IntoIterator<Item = &'t Self>) -> Result<(), CommitError> {
        let (mut items, mut bytes) = (0, 0);
        for txn in txns {
            let rows = txn.checks.len() + txn.puts.len() + txn.deletes.len() + txn.adds.len();
            let indexes = txn.index_puts.len() + txn.index_deletes.len() + txn.rooms.len();
            let sorted = txn.sorted_puts.len() + txn.sorted_deletes.len();
            items += rows + indexes + sorted + txn.log_drops.len() + txn.appends.len() + txn.notices.len();
            let expected = txn.checks.iter().filter_map(|check| check.expected.as_ref());
            let values = txn.puts.iter().map(|(_, value)| value).chain(txn.appends.iter().map(|(_, line)| line));
            bytes += values.chain(expected).map(Bytes::len).sum::<usize>();
        }
        if items <= Self::ITEMS_MAX && bytes <= Self::BYTES_MAX {
            return Ok(());
        }
        let (items_max, bytes_max) = (Self::ITEMS_MAX, Self::BYTES_MAX);
        let reason = format_args!(
            "a transaction of {items} items and {bytes} bytes is too large: it may have {items_max} and {bytes_max}"
        );
        Err(CommitError::NotApplied(Unavailable::new(reason)))
    }
}

/// A row that must have exactly this value (`None`: be absent).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which row.
    pub key: Key,
    /// Its value when the decision was made.
    pub expected: Option<Bytes>,
}

/// A change of a counter that commutes with all others of the same counter, as long as the bounds hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// Which counter; its key has no lifetime.
    pub key: Key,
    /// How much to add; negative to subtract. Counters stay within ±2^53, and so does this.
    pub by: i64,
    /// The least value that the counter may have afterwards.
    pub min: Option<i64>,
    /// The greatest value that the counter may have afterwards.
    pub max: Option<i64>,
}

/// That a sorted index has fewer than `max` entries with the sort key of `entry` before the transaction, or has `entry`
/// already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which sorted index.
    pub index: &'static str,
    /// The entry that the transaction puts there.
    pub entry: Sorted,
    /// How many entries with that sort key the index may have.
    pub max: u64,
}

/// Names an index of a shard.
///
/// A store may tell the indexes of a shard apart by either, the name or the tag: each belongs to one of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index {
    name: &'static str,
    tag: u8,
}

impl Index {
    /// The greatest number that an entry can have.
    pub const NUMBER_MAX: u64 = (1 << 47) - 1;

    /// The index of that name, whose tag is 1 to 63.
    ///
    /// # Panics
    /// When `tag` is another.
    #[must_use]
    pub const fn new(name: &'static str, tag: u8) -> Self {
        assert!(tag >= 1 && tag <= 63, "an index has a tag of 1 to 63");
        Self { name, tag }
    }

    /// The index's name: any text of at most 1 KiB.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The index's tag, 1 to 63.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self.tag
    }
}

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which index.
    pub index: Index,
    /// The entry's key: any text of at most 1 KiB.
    pub key: String,
    /// The number to give at the first put, at most [`Index::NUMBER_MAX`]; `None`: the next one, which is taken from
    /// the counter of [`Range::counter`].
    pub number: Option<u64>,
}

/// Which part of an index to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Which index.
    pub index: Index,
    /// Begin behind the entries with this number, as one sees them who goes in `order`, whether there are any or not;
    /// `None`: at the beginning.
    pub after: Option<u64>,
    /// The greatest number that is of interest; `None`: no bound.
    pub to: Option<u64>,
    /// In which direction to go.
    pub order: Order,
    /// How many entries at most.
    pub limit: usize,
}

impl Range {
    /// The counter that holds the last number which `index` gave: `#` and the name of the index.
    #[must_use]
    pub fn counter(index: Index) -> Key {
        Key::lasting(format!("#{}", index.name()))
    }
}

/// The order in which a [`Range`] is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Small numbers first.
    OldestFirst,
    /// Great numbers first.
    NewestFirst,
}

/// An entry of an index, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The entry's number.
    pub number: u64,
    /// The entry's key.
    pub key: String,
}

/// An entry of a sorted index, at its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sorted {
    /// What orders the entry: any text of at most 1 KiB, NUL included.
    pub sort_key: String,
    /// The entry: any text of at most 1 KiB, NUL included.
    pub entry: String,
}

/// Which part of a sorted index to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedRange {
    /// The index.
    pub index: &'static str,
    /// The least sort key, itself included; `None`: no bound.
    pub from: Option<String>,
    /// The sort key below which all others are, itself excluded; `None`: no bound.
    pub below: Option<String>,
    /// Begin behind this place, as one sees it who goes in `direction`, whether an entry is there or not; `None`: at the
    /// beginning.
    pub after: Option<Sorted>,
    /// In which direction to go.
    pub direction: Direction,
    /// How many entries at most.
    pub limit: usize,
}

impl SortedRange {
    /// The first entries of `index` whose sort keys begin with `prefix` and go on with letters, digits, or not at all.
    #[must_use]
    pub fn under(index: &'static str, prefix: &str, direction: Direction, limit: usize) -> Self {
        // No letter or digit stands behind it.
        let below = Some(format!("{prefix}\u{7f}"));
        Self { from: Some(prefix.to_owned()), below, ..Self::whole(index, direction, limit) }
    }

    /// The first entries of `index`, as one sees it who goes in `direction`.
    #[must_use]
    pub const fn whole(index: &'static str, direction: Direction, limit: usize) -> Self {
        Self { index, from: None, below: None, after: None, direction, limit }
    }
}

/// The direction in which a [`SortedRange`] is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Small sort keys first.
    Ascending,
    /// Great sort keys first.
    Descending,
}

/// What a commit decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The values of the counters in [`Txn::adds`], in their order, after the commit.
    pub counters: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_cannot_break_out_of_a_hash_tag() {
        assert_eq!(Shard::new('u', "a}b{c d").as_str(), "u:a%7Db%7Bc%20d");
        assert_eq!(Shard::new('u', "é").as_str(), "u:%C3%A9");
        assert_ne!(Shard::new('u', "%7D"), Shard::new('u', "}"));
    }
}
