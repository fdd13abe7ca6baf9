//! What a commit writes in other shards, as `commit.lua` is told of it.

use std::borrow::Cow;

use tenantry_core::{
    store::{Check, Key, Room, Shard, Txn},
    values::clock::Timestamp,
};

use crate::{
    fields::{self, field},
    keys::Names,
    sorted,
};

/// A command and its key, which is a hash or a sorted set, and the words behind it.
pub(crate) struct Word<'t, const N: usize> {
    pub(crate) command: &'static str,
    pub(crate) key: String,
    pub(crate) words: [Cow<'t, [u8]>; N],
}

/// Transactions of other shards that consist of rows and entries of sorted indexes.
#[derive(Default)]
pub(crate) struct Elsewhere<'t> {
    /// Sorted sets in which there must be room.
    pub(crate) rooms: Vec<(String, &'t Room)>,
    /// Hashes, and the fields that must not be there.
    pub(crate) absent: Vec<(String, Cow<'t, str>)>,
    pub(crate) puts: Vec<Word<'t, 2>>,
    pub(crate) deletes: Vec<Word<'t, 1>>,
}

impl<'t> Elsewhere<'t> {
    /// `None`: there is more in them.
    pub(crate) fn new(names: &Names, others: &'t [(Shard, Txn)], now: Timestamp) -> Option<Self> {
        let mut this = Self::default();
        for (shard, txn) in others {
            this.add(names, shard, txn, now)?;
        }
        Some(this)
    }

    fn add(&mut self, names: &Names, shard: &Shard, txn: &'t Txn, now: Timestamp) -> Option<()> {
        let Txn {
            is_first,
            // The commit says that for all.
            frees: _,
            ends_shard,
            checks,
            puts,
            deletes,
            adds,
            index_puts,
            index_deletes,
            rooms,
            sorted_puts,
            sorted_deletes,
            log_drops,
            appends,
            notices,
        } = txn;
        let indexes = index_puts.len() + index_deletes.len();
        let more = adds.len() + indexes + log_drops.len() + appends.len() + notices.len();
        let knows = |check: &Check| check.expected.is_none() && check.key.lifetime().is_none();
        if *is_first || ends_shard.is_some() || more > 0 || !checks.iter().all(knows) {
            return None;
        }
        let (rows, sorted) = (names.rows(shard), |index| names.sorted(shard, index));
        self.absent.extend(checks.iter().map(|check| (rows.clone(), field(&check.key))));
        self.rooms.extend(rooms.iter().map(|room| (sorted(room.index), room)));
        for (key, value) in puts {
            let value = match fields::end(key, now) {
                Some(end) => Cow::Owned(fields::ending(end, value)),
                None => Cow::Borrowed(&value[..]),
            };
            self.puts.push(Word { command: "HSET", key: rows.clone(), words: [bytes(key), value] });
        }
        for (index, entry) in sorted_puts {
            // As in commit.lua: a score of 0 for all.
            let words = [Cow::Borrowed(&b"0"[..]), Cow::Owned(sorted::member(entry).into_bytes())];
            self.puts.push(Word { command: "ZADD", key: sorted(index), words });
        }
        for key in deletes {
            self.deletes.push(Word { command: "HDEL", key: rows.clone(), words: [bytes(key)] });
        }
        for (index, entry) in sorted_deletes {
            let words = [Cow::Owned(sorted::member(entry).into_bytes())];
            self.deletes.push(Word { command: "ZREM", key: sorted(index), words });
        }
        Some(())
    }
}

fn bytes(key: &Key) -> Cow<'_, [u8]> {
    match field(key) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
