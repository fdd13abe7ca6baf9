//! Transactions for which one command of Redis does, and no script.
//!
//! Those are the entries of an organization in the shards of others, most of them. Redis carries out ten times as many
//! instructions for the script as for such a command (74,000 for an entry and 7,000 for its `ZADD`, as callgrind counts
//! them).

use redis::{Cmd, RedisError};
use tenantry_core::store::{CommitError, Committed, Shard, Sorted, Txn};

use crate::{
    fields::field,
    keys::Names,
    reply::{Reply, refusal},
    sorted,
};

/// A transaction as one command.
pub(crate) struct Plain {
    pub(crate) command: Cmd,
    /// The only key that it touches.
    key: String,
    /// Whether it answers 0 and does nothing if the row is there.
    if_absent: bool,
}

impl Plain {
    /// `None`: it takes more than one command.
    pub(crate) fn new(names: &Names, shard: &Shard, txn: &Txn) -> Option<Self> {
        let Txn {
            is_first,
            frees,
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
        let indexes = index_puts.len() + index_deletes.len() + rooms.len();
        let others = adds.len() + indexes + log_drops.len() + appends.len() + notices.len();
        let mut rows = puts.iter().map(|(key, _)| key).chain(deletes);
        if *is_first || ends_shard.is_some() || others > 0 || rows.any(|key| key.lifetime().is_some()) {
            return None;
        }
        // A server that is full takes a command that deletes; what puts something nevertheless has to be a script.
        if *frees && puts.len() + sorted_puts.len() > 0 {
            return None;
        }
        let (rows, sorted) = (|| names.rows(shard), |index| names.sorted(shard, index));
        let one = |index, entries: &[(&str, Sorted)]| entries.iter().all(|(other, _)| *other == index);
        let (name, key) = match (&checks[..], &puts[..], &deletes[..], &sorted_puts[..], &sorted_deletes[..]) {
            ([check], [(key, _)], [], [], []) if check.key == *key && check.expected.is_none() => ("HSETNX", rows()),
            ([], [_, ..], [], [], []) => ("HSET", rows()),
            ([], [], [_, ..], [], []) => ("HDEL", rows()),
            ([], [], [], [(index, _), ..], []) if one(*index, sorted_puts) => ("ZADD", sorted(index)),
            ([], [], [], [], [(index, _), ..]) if one(*index, sorted_deletes) => ("ZREM", sorted(index)),
            _ => return None,
        };
        let mut command = redis::cmd(name);
        command.arg(&key);
        for (key, value) in puts {
            command.arg(&*field(key)).arg(&value[..]);
        }
        for key in deletes {
            command.arg(&*field(key));
        }
        for (_, entry) in sorted_puts {
            // As in commit.lua: a score of 0 for all.
            command.arg(0).arg(sorted::member(entry));
        }
        for (_, entry) in sorted_deletes {
            command.arg(sorted::member(entry));
        }
        Some(Self { command, key, if_absent: !checks.is_empty() })
    }

    /// What the answer to the command means.
    pub(crate) fn reply(&self, changed: i64) -> Reply {
        if self.if_absent && changed == 0 {
            Reply::Refused(CommitError::Conflict)
        } else {
            Reply::Applied(Committed::default())
        }
    }

    /// The same of an error; `None` if it is none of the transaction's.
    pub(crate) fn refusal(&self, error: &RedisError) -> Option<Reply> {
        refusal(error, &self.key)
    }
}
