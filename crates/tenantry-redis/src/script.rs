//! A transaction as an invocation of `commit.lua`, and its reply.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use redis::{Cmd, ErrorKind, FromRedisValue, ParsingError, RedisError, Script, ServerErrorKind, Value};
use tenantry_core::store::{Add, Check, CommitError, Committed, Entry, Key, Range, Shard, Txn, Unavailable};

use crate::{keys::Names, sorted};

const CODE: &str = include_str!("commit.lua");
static HASH: LazyLock<String> = LazyLock::new(|| Script::new(CODE).get_hash().to_owned());
/// Counters stay within plus and minus this (see [`Add::by`]).
const COUNTER_MAX: i64 = 1 << 53;

/// The keys and arguments of one commit. `commit.lua` says what they are.
pub(crate) struct Invocation<'t> {
    names: &'t Names,
    shard: &'t Shard,
    keys: Vec<String>,
    kinds: String,
    places: HashMap<(char, &'t str), usize>,
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
            arguments: Vec::with_capacity(16 + 3 * (txn.checks.len() + txn.puts.len() + txn.adds.len())),
        };
        this.checks(&txn.checks);
        this.adds(&txn.adds);
        this.index_puts(&txn.index_puts);
        this.deletes(&txn.deletes);
        this.puts(&txn.puts);
        list(&mut this, &txn.index_deletes, |this, entry| {
            this.key('z', entry.index);
            this.text(&entry.key);
        });
        for entries in [&txn.sorted_puts, &txn.sorted_deletes] {
            list(&mut this, entries, |this, (index, entry)| {
                this.key('x', index);
                this.owned(sorted::member(entry));
            });
        }
        list(&mut this, &txn.log_drops, |this, log| this.key('l', log));
        list(&mut this, &txn.appends, |this, (log, value)| {
            this.key('l', log);
            this.arguments.push(Cow::Borrowed(value));
        });
        list(&mut this, &txn.notices, |this, notice| this.owned(notice.to_string()));
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

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        command.arg(self.names.changes()).arg(&self.kinds).arg(u8::from(self.names.in_cluster));
        for argument in &self.arguments {
            command.arg(&**argument);
        }
        command
    }

    fn checks(&mut self, checks: &'t [Check]) {
        let expected = |this: &mut Self, check: &'t Check| {
            this.text(if check.expected.is_some() { "1" } else { "0" });
            this.arguments.push(Cow::Borrowed(check.expected.as_deref().unwrap_or_default()));
        };
        let (lasting, passing) = checks.iter().partition::<Vec<_>, _>(|check| check.key.lifetime().is_none());
        list(self, lasting, |this, check| {
            this.text(check.key.name());
            expected(this, check);
        });
        list(self, passing, |this, check| {
            this.key('s', check.key.name());
            expected(this, check);
        });
    }

    fn adds(&mut self, adds: &'t [Add]) {
        list(self, adds, |this, add| {
            this.text(add.key.name());
            // Beyond these the script's numbers are not exact. No sum of a counter and more than twice the greatest
            // counter is within bounds, and no sum is below a least value beyond the greatest one.
            let beyond = 4 * COUNTER_MAX;
            this.owned(add.by.clamp(-beyond, beyond).to_string());
            this.owned(add.min.unwrap_or(i64::MIN).clamp(-COUNTER_MAX, beyond).to_string());
            this.owned(add.max.unwrap_or(i64::MAX).clamp(-beyond, COUNTER_MAX).to_string());
        });
    }

    fn index_puts(&mut self, entries: &'t [Entry]) {
        list(self, entries, |this, entry| {
            this.key('z', entry.index);
            this.owned(Range::counter(entry.index).name().to_owned());
            this.text(&entry.key);
            this.owned(entry.number.map(|number| number.to_string()).unwrap_or_default());
        });
    }

    fn deletes(&mut self, keys: &'t [Key]) {
        let (lasting, passing) = keys.iter().partition::<Vec<_>, _>(|key| key.lifetime().is_none());
        list(self, lasting, |this, key| this.text(key.name()));
        list(self, passing, |this, key| this.key('s', key.name()));
    }

    fn puts(&mut self, puts: &'t [(Key, bytes::Bytes)]) {
        let (lasting, passing) = puts.iter().partition::<Vec<_>, _>(|(key, _)| key.lifetime().is_none());
        list(self, lasting, |this, (key, value)| {
            this.text(key.name());
            this.arguments.push(Cow::Borrowed(value));
        });
        list(self, passing, |this, (key, value)| {
            this.key('s', key.name());
            this.arguments.push(Cow::Borrowed(value));
            // Redis knows no lifetime of 0.
            this.owned(key.lifetime().unwrap_or_default().as_millis().max(1).to_string());
        });
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

/// A list's length, then its items.
fn list<'t, T>(
    invocation: &mut Invocation<'t>,
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    each: impl Fn(&mut Invocation<'t>, T),
) {
    let items = items.into_iter();
    invocation.owned(items.len().to_string());
    for item in items {
        each(invocation, item);
    }
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
