//! The contract of a store.
//!
//! A store keeps rows and applies transactions. It knows no rule: every decision is made in this crate and arrives as a
//! [`Txn`] that says which rows must be unchanged and what is to be written. That is why a store is small, and why all
//! stores behave alike. `tenantry-testing` has a conformance kit that checks whether a store keeps this contract.
//!
//! # What is kept
//! State is divided into [`Shard`]s; a call touches exactly one, except [`Store::commit_together`]. A shard holds
//!
//! 1. **rows**: a [`Key`] and a value of bytes. A key may have a *lifetime*: its row is absent after that time (by the
//!    clock of the store or of its node, give or take a minute), and a put starts the time again. The store removes
//!    expired rows sooner or later: a few with each further commit that puts such rows into the shard, or when the
//!    shard [was ended](Txn::ends_shard). Every other row stays until it is deleted;
//! 2. **counters**: rows whose value is a whole number in decimal text (an absent row counts as 0), changed by an
//!    [`Add`] within bounds, without being read before;
//! 3. **[indexes](Index)**: lists of entries, each with a unique key, ordered by their [numbers](Numbered). The store
//!    gives an entry its number at its first put: one more than the last that it gave in this index, so that it never
//!    gives a number twice, even if the entry is gone. Or the caller gives the number; then several entries may have
//!    the same one, and those are ordered by their keys, byte by byte. A put of an entry that is already there changes
//!    nothing;
//! 4. **sorted indexes**: sets of [`Sorted`] entries, ordered by the sort key that the caller gives each of them, then
//!    by the entry itself, both compared byte by byte. An entry may be there under several sort keys; a put of an entry
//!    that is already there under the same sort key changes nothing;
//! 5. **logs**: lists of bytes that only grow, numbered from 0 without gaps, until they are dropped as a whole.
//!
//! Rows and counters share one namespace; indexes, sorted indexes and logs each have their own.
//!
//! # What is promised
//! 1. [`commit`](Store::commit) is atomic and isolated: all of the transaction is applied or nothing is, and no
//!    [`read`](Store::read) sees a part of it. It is applied if, and only if, every [`Check`] holds, every [`Add`]
//!    stays within its bounds and no [`Room`] is full; a failed check is reported before the others.
//! 2. Every later call on every node sees what `commit` acknowledged, and it stays (as far as the store's medium was
//!    configured to keep it).
//! 3. After `commit` answered `Ok`, its notices reach every listener of [`changes`](Store::changes) on every node, in
//!    the order of the commits of that shard, or the listener hears [`Signal::LinkLost`]. No notice is lost silently.
//! 4. Every call ends within a bounded time, with [`Unavailable`] if need be. A commit that ended with
//!    [`CommitError::Unavailable`] may have been applied, or may yet be; one that ended with
//!    [`CommitError::NotApplied`] was not and never will be.
//! 5. A full store refuses a transaction that grows it, with [`CommitError::NotApplied`] of [`Unavailable::full`]. It
//!    still applies a transaction that [frees](Txn::frees), if its medium can.
//! 6. A store that recovers by itself once the cause is gone reports [`Unavailable::new`]. One that can recover only by
//!    a restart of its process reports [`Unavailable::until_restart`].
//!
//! # A listener's life
//! A stream from `changes` begins with [`Signal::LinkBack`] once notices arrive. When notices may be missing it says
//! [`Signal::LinkLost`], and `LinkBack` once they arrive again. A listener that cannot keep up hears the same two
//! signals. A store whose notices come over a network also sends [`Signal::Proven`] several times a second, as a proof
//! that they arrive.

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

/// The number of the format in which this crate encodes what it keeps in a store.
///
/// A store records the format when it is first used, and a version of this crate that knows only older formats cannot
/// open it. Versions that use the same format work side by side on one store.
pub const FORMAT: u32 = 1;

/// A stream of the notices of all commits, on all nodes.
pub type Changes = Pin<Box<dyn Stream<Item = Signal> + Send>>;

/// Keeps the state of all organizations. See the [module](self) for the contract.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The values of `keys`, in their order; `None` for a row that is absent. One round trip.
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable>;

    /// Reads a part of an index. One round trip.
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable>;

    /// Reads a part of a sorted index. One round trip.
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

    /// Applies `txn` atomically, if all of its checks hold and none of its bounds is exceeded.
    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError>;

    /// Applies `txn` to `shard` as [`commit`](Self::commit) does and, at the same moment, each of `others` to its
    /// shard: all or nothing. `None` if nothing was applied: because the store keeps those shards in several places,
    /// because one of `others` is refused, or because together they are [too large](Txn::check_size). The caller then
    /// commits step by step.
    ///
    /// The `others` put and delete rows and entries of sorted indexes, none of them twice. They may check that a row
    /// which they put is absent, and that there is [room](Room).
    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        let _ = (shard, txn, others);
        Ok(None)
    }

    /// Succeeds once everything that was committed to `shard` before is kept as safely as `commit` acknowledges it.
    ///
    /// A caller that reports the effect of another commit, without a commit of its own, awaits this first: that commit
    /// may have been applied but not confirmed. A store that keeps a commit safely before anybody can see it has
    /// nothing to wait for.
    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        let _ = shard;
        Ok(())
    }

    /// A stream of the notices of all commits from now on.
    fn changes(&self) -> Changes;

    /// Succeeds if the store can be reached and used.
    async fn ping(&self) -> Result<(), Unavailable>;
}

/// A part of the state that is read and committed on its own: the rows of one organization, or index entries that lead
/// to many.
///
/// Its name consists of printable ASCII without braces and spaces, at most 1 KiB.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(Arc<str>);

impl Shard {
    /// The shard of this kind and name. Everything outside of `[A-Za-z0-9._~:@|/+-]` is written as `%XX`.
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
/// In one transaction no key is put or deleted twice, nor both put and added to, and no entry of an index is put or
/// deleted twice. A counter may be added to several times: the adds apply one after the other, in the order of
/// [`adds`](Self::adds).
///
/// A store takes every transaction of at most [`ITEMS_MAX`](Self::ITEMS_MAX) items and [`BYTES_MAX`](Self::BYTES_MAX)
/// bytes, and [refuses](Self::check_size) every larger one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    /// The shard must be empty: no row, no entry, no log. Otherwise it is a [`Conflict`](CommitError::Conflict).
    pub is_first: bool,
    /// The transaction ends or removes something: the store shrinks by it, or hardly grows. A full store applies it
    /// nevertheless, if its medium can.
    pub frees: bool,
    /// The transaction ends the shard: it leaves nothing there but rows with a lifetime, and the store removes these
    /// within this time. `None`: the shard goes on. What is put there afterwards stays as usual, provided that its
    /// transaction has a check.
    pub ends_shard: Option<Duration>,
    /// Rows that must be unchanged.
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
    /// Entries to put into sorted indexes, each with the name of its index.
    pub sorted_puts: Vec<(&'static str, Sorted)>,
    /// Entries to delete from sorted indexes, each with the name of its index; an absent one is no error.
    pub sorted_deletes: Vec<(&'static str, Sorted)>,
    /// Logs to drop before anything is appended, so that the next entry is number 0 again. An absent one is no error.
    pub log_drops: Vec<&'static str>,
    /// Entries to append to logs, each with the name of its log.
    pub appends: Vec<(&'static str, Bytes)>,
    /// Changes of which to notify every node, once the rest is applied.
    pub notices: Vec<Change>,
}

impl Txn {
    /// How many checks, rows, counters, entries, logs and notices a transaction may have together.
    pub const ITEMS_MAX: usize = 16_384;
    /// How many bytes the values in it may have together.
    pub const BYTES_MAX: usize = 1024 * 1024;

    /// For a store, before it applies anything: checks that transactions which are applied together are not larger than
    /// every store must take.
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

/// Requires that a sorted index has fewer than `max` entries with the sort key of `entry` before the transaction, or
/// has `entry` already.
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
/// A store may identify an index by its name or by its tag: no two indexes of a shard share either.
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
    /// If `tag` is outside of 1 to 63.
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
    /// Begin behind the entries with this number, in the direction of `order`, whether there are any or not; `None`: at
    /// the beginning.
    pub after: Option<u64>,
    /// Entries with greater numbers are left out; `None`: no bound.
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
    /// All sort keys are less than this one; `None`: no bound.
    pub below: Option<String>,
    /// Begin behind this place, in the given `direction`, whether an entry is there or not; `None`: at the beginning.
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
        // U+007F sorts after every letter and digit.
        let below = Some(format!("{prefix}\u{7f}"));
        Self { from: Some(prefix.to_owned()), below, ..Self::whole(index, direction, limit) }
    }

    /// The first entries of `index`, in the given `direction`.
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

/// The result of a commit that was applied.
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
