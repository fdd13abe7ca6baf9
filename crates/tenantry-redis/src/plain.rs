//! Transactions for which one command of Redis does, and no script.
//!
//! Those are the entries of an organization in the shards of others, most of them. Redis carries out ten times as many
//! instructions for the script as for such a command (74,000 for an entry and 7,000 for its `ZADD`, as callgrind counts
//! them).

use redis::{Cmd, RedisError};
use tenantry_core::store::{CommitError, Committed, Key, Shard, Sorted, Txn, Unavailable};

use crate::{keys::Names, script::Reply, sorted};

/// A transaction as one command.
pub(crate) struct Plain {
    pub(crate) command: Cmd,
    /// The only key that it touches.
    key: String,
    /// Whether it answers 0 and does nothing if the row is there.
    if_absent: bool,
}

/// The parts of a transaction of which one command may consist, if the others are empty.
struct Parts<'t> {
    /// A put of a row that must be absent.
    claim: Option<&'t (Key, bytes::Bytes)>,
    puts: &'t [(Key, bytes::Bytes)],
    deletes: &'t [Key],
    sorted_puts: &'t [(&'static str, Sorted)],
    sorted_deletes: &'t [(&'static str, Sorted)],
}

impl Plain {
    /// `None`: it takes more than one command.
    pub(crate) fn new(names: &Names, shard: &Shard, txn: &Txn) -> Option<Self> {
        let parts = Parts::of(txn)?;
        let (name, key) = match parts {
            Parts { claim: Some(_), puts: [], deletes: [], sorted_puts: [], sorted_deletes: [] } => {
                ("HSETNX", names.rows(shard))
            }
            Parts { claim: None, puts: [_, ..], deletes: [], sorted_puts: [], sorted_deletes: [] } => {
                ("HSET", names.rows(shard))
            }
            Parts { claim: None, puts: [], deletes: [_, ..], sorted_puts: [], sorted_deletes: [] } => {
                ("HDEL", names.rows(shard))
            }
            Parts { claim: None, puts: [], deletes: [], sorted_puts: [first, ..], sorted_deletes: [] } => {
                ("ZADD", names.sorted(shard, first.0))
            }
            Parts { claim: None, puts: [], deletes: [], sorted_puts: [], sorted_deletes: [first, ..] } => {
                ("ZREM", names.sorted(shard, first.0))
            }
            _ => return None,
        };
        let mut command = redis::cmd(name);
        command.arg(&key);
        for (key, value) in parts.claim.into_iter().chain(parts.puts) {
            command.arg(key.name()).arg(&value[..]);
        }
        for key in parts.deletes {
            command.arg(key.name());
        }
        for (_, entry) in parts.sorted_puts {
            // As in commit.lua: a score of 0 for all.
            command.arg(0).arg(sorted::member(entry));
        }
        for (_, entry) in parts.sorted_deletes {
            command.arg(sorted::member(entry));
        }
        Some(Self { command, key, if_absent: parts.claim.is_some() })
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

/// What it means that there was an error at `key`, which was there already and is none of ours.
pub(crate) fn refusal(error: &RedisError, key: &str) -> Option<Reply> {
    let is_of_another_kind = error.code() == Some("WRONGTYPE");
    let mend = "delete it, or choose another namespace";
    let reason = format_args!("key {key} is of another kind than it must be: {mend}");
    is_of_another_kind.then(|| Reply::Refused(Unavailable::new(reason).into()))
}

impl<'t> Parts<'t> {
    fn of(txn: &'t Txn) -> Option<Self> {
        let Txn {
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
        let lasting = puts.iter().map(|(key, _)| key).chain(deletes).all(|key| key.lifetime().is_none());
        let mut entries = sorted_puts.iter().chain(sorted_deletes);
        let first = entries.next();
        let one_index = entries.all(|(index, _)| first.is_some_and(|(first, _)| first == index));
        let parts = Self { claim: None, puts, deletes, sorted_puts, sorted_deletes };
        match (&checks[..], &puts[..]) {
            _ if others > 0 || !lasting || !one_index => None,
            ([], _) => Some(parts),
            ([check], [claim]) if check.key == claim.0 && check.expected.is_none() => {
                Some(Self { claim: Some(claim), puts: &[], ..parts })
            }
            _ => None,
        }
    }
}
