//! A transaction as an invocation of `commit.lua`, and its reply.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use redis::{Cmd, ErrorKind, FromRedisValue, ParsingError, RedisError, Script, ServerErrorKind, Value};
use tenantry_core::store::{Add, Check, CommitError, Committed, Entry, Key, Range, Shard, Txn, Unavailable};

use crate::{keys::Names, plain, sorted};

const CODE: &str = include_str!("commit.lua");
static HASH: LazyLock<String> = LazyLock::new(|| Script::new(CODE).get_hash().to_owned());
/// Counters stay within plus and minus this (see [`Add::by`]).
const COUNTER_MAX: i64 = 1 << 53;
/// How many lists the script is given.
const LISTS: usize = 17;
/// As long as most commands are.
pub(crate) const COMMAND_BYTES: usize = 1024;

/// The keys and arguments of one commit. `commit.lua` says what they are.
pub(crate) struct Invocation<'t> {
    names: &'t Names,
    shard: &'t Shard,
    keys: Vec<String>,
    kinds: String,
    places: HashMap<(char, &'t str), usize>,
    /// Each counter of the transaction once.
    counters: Vec<Cow<'t, str>>,
    /// How long each list is.
    lengths: Vec<u8>,
    arguments: Vec<Cow<'t, [u8]>>,
}

impl<'t> Invocation<'t> {
    pub(crate) fn new(names: &'t Names, shard: &'t Shard, txn: &'t Txn) -> Self {
        let mut this = Self {
            names,
            shard,
            keys: vec![names.rows(shard)],
            kinds: "h".to_owned(),
            places: HashMap::new(),
            counters: Vec::new(),
            lengths: Vec::with_capacity(LISTS * size_of::<u32>()),
            arguments: Vec::with_capacity(4 + 2 * (txn.checks.len() + txn.puts.len()) + 4 * txn.adds.len()),
        };
        for add in &txn.adds {
            this.counter(add.key.name().into());
        }
        for entry in &txn.index_puts {
            this.counter(counter_of(entry));
        }
        this.checks(&txn.checks);
        this.adds(&txn.adds);
        this.index_puts(&txn.index_puts);
        this.list(&txn.rooms, |this, room| {
            this.key('x', room.index);
            this.owned(sorted::member(&room.entry));
            this.owned(room.max.to_string());
        });
        let (deletes, passing_deletes) = txn.deletes.iter().partition::<Vec<_>, _>(|key| is_lasting(key));
        let (puts, passing_puts) = txn.puts.iter().partition::<Vec<_>, _>(|(key, _)| is_lasting(key));
        this.list(deletes, |this, key| this.text(key.name()));
        this.list(puts, |this, (key, value)| {
            this.text(key.name());
            this.arguments.push(Cow::Borrowed(value));
        });
        this.list(passing_deletes, |this, key| this.key('s', key.name()));
        this.list(passing_puts, |this, (key, value)| {
            this.key('s', key.name());
            this.arguments.push(Cow::Borrowed(value));
            // Redis knows no lifetime of 0.
            this.owned(key.lifetime().unwrap_or_default().as_millis().max(1).to_string());
        });
        this.list(&txn.index_deletes, |this, entry| {
            this.key('z', entry.index);
            this.text(&entry.key);
        });
        for entries in [&txn.sorted_puts, &txn.sorted_deletes] {
            this.list(entries, |this, (index, entry)| {
                this.key('x', index);
                this.owned(sorted::member(entry));
            });
        }
        this.list(&txn.log_drops, |this, log| this.key('l', log));
        this.list(&txn.appends, |this, (log, value)| {
            this.key('l', log);
            this.arguments.push(Cow::Borrowed(value));
        });
        this.list(&txn.notices, |this, notice| this.owned(notice.to_string()));
        this
    }

    /// `EVALSHA`: the script is known to the server nearly always.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &HASH)
    }

    /// `EVAL`, which also makes it known.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", CODE)
    }

    /// What an error of the script means; `None` if it is none of the transaction's.
    pub(crate) fn refusal(&self, error: &RedisError) -> Option<Reply> {
        // The script looks at all others before.
        plain::refusal(error, &format!("{}, or one with a lifetime beside it,", self.names.rows(self.shard)))
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = Cmd::with_capacity(8 + self.keys.len() + self.arguments.len(), COMMAND_BYTES);
        command.arg(name).arg(script).arg(self.keys.len()).arg(&self.keys);
        command.arg(self.names.changes()).arg(&self.kinds).arg(u8::from(self.names.in_cluster)).arg(&self.lengths);
        for argument in &self.arguments {
            command.arg(&**argument);
        }
        command
    }

    fn checks(&mut self, checks: &'t [Check]) {
        let (lasting, passing) = checks.iter().partition::<Vec<_>, _>(|check| is_lasting(&check.key));
        let (there, absent) = lasting.into_iter().partition::<Vec<_>, _>(|check| check.expected.is_some());
        self.list(&there, |this, check| this.text(check.key.name()));
        self.list(absent, |this, check| this.text(check.key.name()));
        let counters = self.counters.clone();
        self.list(counters, |this, counter| {
            this.arguments.push(match counter {
                Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                Cow::Owned(name) => Cow::Owned(name.into_bytes()),
            });
        });
        let expected = |check: &'t Check| Cow::Borrowed(check.expected.as_deref().unwrap_or_default());
        self.arguments.extend(there.into_iter().map(expected));
        self.list(passing, |this, check| {
            this.key('s', check.key.name());
            this.text(if check.expected.is_some() { "1" } else { "0" });
            this.arguments.push(expected(check));
        });
    }

    fn adds(&mut self, adds: &'t [Add]) {
        self.list(adds, |this, add| {
            let counter = this.counter(add.key.name().into());
            this.owned(counter.to_string());
            // Beyond these the script's numbers are not exact. No sum of a counter and more than twice the greatest
            // counter is within bounds, and no sum is below a least value beyond the greatest one.
            let beyond = 4 * COUNTER_MAX;
            this.owned(add.by.clamp(-beyond, beyond).to_string());
            let bound = |bound: Option<i64>, least, greatest| {
                bound.map(|bound| bound.clamp(least, greatest).to_string()).unwrap_or_default()
            };
            this.owned(bound(add.min, -COUNTER_MAX, beyond));
            this.owned(bound(add.max, -beyond, COUNTER_MAX));
        });
    }

    fn index_puts(&mut self, entries: &'t [Entry]) {
        self.list(entries, |this, entry| {
            this.key('z', entry.index);
            let counter = this.counter(counter_of(entry));
            this.owned(counter.to_string());
            this.text(&entry.key);
            this.owned(entry.number.map(|number| number.to_string()).unwrap_or_default());
        });
    }

    /// A list: notes its length, and adds its items.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        each: impl Fn(&mut Self, T),
    ) {
        let items = items.into_iter();
        // A list that is longer than this number can tell does not fit into any memory.
        self.lengths.extend(u32::try_from(items.len()).unwrap_or(u32::MAX).to_be_bytes());
        for item in items {
            each(self, item);
        }
    }

    /// The place of a counter, from 1, where it is declared once.
    fn counter(&mut self, name: Cow<'t, str>) -> usize {
        if let Some(place) = self.counters.iter().position(|counter| *counter == name) {
            return place + 1;
        }
        self.counters.push(name);
        self.counters.len()
    }

    /// The place of a key in `KEYS`, where it is declared once.
    fn key(&mut self, kind: char, name: &'t str) {
        let place = *self.places.entry((kind, name)).or_insert_with(|| {
            self.keys.push(match kind {
                's' => self.names.passing(self.shard, name),
                'z' => self.names.index(self.shard, name),
                'x' => self.names.sorted(self.shard, name),
                _ => self.names.log(self.shard, name),
            });
            self.kinds.push(kind);
            self.keys.len()
        });
        self.owned(place.to_string());
    }

    fn text(&mut self, text: &'t str) {
        self.arguments.push(Cow::Borrowed(text.as_bytes()));
    }

    fn owned(&mut self, text: String) {
        self.arguments.push(Cow::Owned(text.into_bytes()));
    }
}

/// The counter of the entry's index.
fn counter_of(entry: &Entry) -> Cow<'static, str> {
    Range::counter(entry.index).name().to_owned().into()
}

const fn is_lasting(key: &Key) -> bool {
    key.lifetime().is_none()
}

/// What the script answers.
#[derive(Debug)]
pub(crate) enum Reply {
    Applied(Committed),
    Refused(CommitError),
}

impl Reply {
    pub(crate) const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    pub(crate) fn into_result(self) -> Result<Committed, CommitError> {
        match self {
            Self::Applied(committed) => Ok(committed),
            Self::Refused(error) => Err(error),
        }
    }
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let words = Vec::<String>::from_redis_value(value)?;
        let unexpected = || ParsingError::from("commit.lua answered something unexpected");
        let (kind, rest) = words.split_first().ok_or_else(unexpected)?;
        match (kind.as_str(), rest) {
            ("applied", counters) => {
                let counters = counters.iter().map(|value| value.parse()).collect::<Result<_, _>>();
                Ok(Self::Applied(Committed { counters: counters.map_err(|_| unexpected())? }))
            }
            ("conflict", _) => Ok(Self::Refused(CommitError::Conflict)),
            ("limit", [place]) => {
                place.parse().map(|place| Self::Refused(CommitError::Limit(place))).map_err(|_| unexpected())
            }
            ("broken", [what]) => Ok(Self::Refused(Unavailable::new(what).into())),
            _ => Err(unexpected()),
        }
    }
}

/// The server has forgotten the script (a restart, a fail-over, `SCRIPT FLUSH`).
pub(crate) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
