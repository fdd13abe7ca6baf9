//! A transaction as an invocation of `commit.lua`, and its reply.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use redis::{Cmd, RedisError, Script};
use tenantry_core::{
    store::{Add, Check, Entry, Key, Range, Room, Shard, Txn},
    values::clock::Timestamp,
};

use crate::{
    elsewhere::{Elsewhere, Word},
    fields::{self, field, millis},
    keys::Names,
    reply::{Reply, refusal},
    sorted,
};

/// The kinds of keys behind the first: the set of the shard's indexes, a sorted index, a log.
const INDEXES: char = 'z';
const SORTED: char = 's';
const LOG: char = 'l';
/// The same of other shards.
const HASH_ELSEWHERE: char = 'H';
const SORTED_ELSEWHERE: char = 'Z';

const CODE: &str = include_str!("commit.lua");
static STRICT: LazyLock<Code> = LazyLock::new(|| Code::new(CODE.to_owned()));
/// Redis runs it also when it has no room for more.
static FREEING: LazyLock<Code> = LazyLock::new(|| Code::new(CODE.replacen("#!lua", "#!lua flags=allow-oom", 1)));
/// Counters stay within plus and minus this (see [`Add::by`]).
const COUNTER_MAX: i64 = 1 << 53;
/// As long as most commands are.
pub(crate) const COMMAND_BYTES: usize = 1024;

/// A script and its name.
struct Code {
    text: String,
    hash: String,
}

impl Code {
    fn new(text: String) -> Self {
        let hash = Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// The keys and arguments of one commit. `commit.lua` says what they are.
pub(crate) struct Invocation<'t> {
    names: &'t Names,
    shard: &'t Shard,
    is_first: bool,
    ends_shard: Option<Duration>,
    code: &'static Code,
    now: Timestamp,
    keys: Vec<String>,
    /// Which kind each key behind the first is.
    kinds: String,
    /// What the keys behind the first are: the letter of their kind, and the name of the index or log.
    places: Vec<(char, &'t str)>,
    /// Each counter of the transaction once.
    counters: Vec<Cow<'t, str>>,
    /// How long each list is.
    lengths: Vec<u8>,
    arguments: Vec<Cow<'t, [u8]>>,
}

impl<'t> Invocation<'t> {
    /// `elsewhere` is written together with `txn`.
    pub(crate) fn new(
        names: &'t Names,
        shard: &'t Shard,
        txn: &'t Txn,
        elsewhere: Elsewhere<'t>,
        now: Timestamp,
    ) -> Self {
        let mut this = Self {
            names,
            shard,
            is_first: txn.is_first,
            ends_shard: txn.ends_shard,
            code: if txn.frees { &FREEING } else { &STRICT },
            now,
            keys: vec![names.rows(shard)],
            kinds: String::new(),
            places: Vec::new(),
            counters: Vec::new(),
            lengths: Vec::with_capacity(32),
            arguments: Vec::with_capacity(4 + 2 * (txn.checks.len() + txn.puts.len()) + 2 * txn.adds.len()),
        };
        for add in &txn.adds {
            this.counter(add.key.name().into());
        }
        for entry in txn.index_puts.iter().filter(|entry| entry.number.is_none()) {
            this.counter(counter_of(entry));
        }
        this.checks(&txn.checks);
        this.adds(&txn.adds);
        this.index_puts(&txn.index_puts);
        this.rooms(&txn.rooms, elsewhere.rooms);
        this.rows(txn);
        for entries in [&txn.sorted_puts, &txn.sorted_deletes] {
            this.list(entries, |this, (index, entry)| {
                this.key(SORTED, index);
                this.owned(sorted::member(entry));
            });
        }
        this.list(&txn.log_drops, |this, log| this.key(LOG, log));
        this.list(&txn.appends, |this, (log, value)| {
            this.key(LOG, log);
            this.arguments.push(Cow::Borrowed(value));
        });
        this.list(&txn.notices, |this, notice| this.owned(notice.to_string()));
        this.list(elsewhere.absent, |this, (key, field)| {
            this.key_elsewhere(HASH_ELSEWHERE, key);
            this.text(field);
        });
        this.list(elsewhere.puts, Self::word);
        this.list(elsewhere.deletes, Self::word);
        this
    }

    /// `EVALSHA`: the script is known to the server nearly always.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.code.hash)
    }

    /// `EVAL`, which also makes it known.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", &self.code.text)
    }

    /// What an error of the script means; `None` if it is none of the transaction's.
    pub(crate) fn refusal(&self, error: &RedisError) -> Option<Reply> {
        refusal(error, &format!("{}, or one of the same shard,", self.names.rows(self.shard)))
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = Cmd::with_capacity(8 + self.keys.len() + self.arguments.len(), COMMAND_BYTES);
        // While a slot moves, Redis wants keys that are there, all of them, or a single one: a new shard is made by a
        // commit that declares one.
        let declared = if self.is_first && self.names.in_cluster { 1 } else { self.keys.len() };
        let (declared, others) = self.keys.split_at(declared);
        command.arg(name).arg(script).arg(declared.len()).arg(declared);
        let place = self.places.iter().position(|(kind, _)| *kind == INDEXES).map_or(0, |place| place + 2);
        let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        let ends_after = self.ends_shard.map_or(0, |lifetime| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX));
        let mut numbers = [millis(self.now), ends_after].map(u64::to_be_bytes).concat();
        numbers.extend([self.names.in_cluster, self.is_first].map(u8::from));
        numbers.extend([small(others.len()), small(place)]);
        numbers.extend(&self.lengths);
        command.arg(self.names.changes()).arg(numbers).arg(&self.kinds).arg(others);
        for argument in &self.arguments {
            command.arg(&**argument);
        }
        command
    }

    fn checks(&mut self, checks: &'t [Check]) {
        let (lasting, passing) = checks.iter().partition::<Vec<_>, _>(|check| is_lasting(&check.key));
        let (there, absent) = lasting.into_iter().partition::<Vec<_>, _>(|check| check.expected.is_some());
        self.list(&there, |this, check| this.text(field(&check.key)));
        self.list(absent, |this, check| this.text(field(&check.key)));
        let counters = self.counters.clone();
        self.list(counters, |this, counter| {
            let field = fields::lasting(&counter).into_owned();
            this.owned(field);
        });
        self.list(&passing, |this, check| this.text(field(&check.key)));
        let expected = |check: &'t Check| Cow::Borrowed(check.expected.as_deref().unwrap_or_default());
        self.arguments.extend(there.into_iter().map(expected));
        self.arguments.extend(passing.into_iter().map(|check| match &check.expected {
            Some(expected) => Cow::Owned([b"=", &expected[..]].concat()),
            None => Cow::Borrowed(&[][..]),
        }));
    }

    fn adds(&mut self, adds: &'t [Add]) {
        self.list(adds, |this, add| {
            let counter = this.counter(add.key.name().into());
            // Beyond these the script's numbers are not exact. No sum of a counter and more than twice the greatest
            // counter is within bounds, and no sum is below a least value beyond the greatest one.
            let beyond = 4 * COUNTER_MAX;
            let by = add.by.clamp(-beyond, beyond);
            let least = add.min.unwrap_or(-COUNTER_MAX).clamp(-COUNTER_MAX, beyond);
            let greatest = add.max.unwrap_or(COUNTER_MAX).clamp(-beyond, COUNTER_MAX);
            let mut packed = counter.to_be_bytes().to_vec();
            packed.extend([by, least, greatest].into_iter().flat_map(i64::to_be_bytes));
            this.arguments.push(Cow::Owned(packed));
        });
    }

    fn index_puts(&mut self, entries: &'t [Entry]) {
        self.list(entries, |this, entry| {
            this.place(INDEXES, "");
            this.arguments.push(Cow::Owned(fields::member(entry.index, &entry.key)));
            let counter = if entry.number.is_none() { this.counter(counter_of(entry)) } else { 0 };
            let mut packed = counter.to_be_bytes().to_vec();
            packed.extend(fields::score(entry.index, entry.number.unwrap_or(0)).to_be_bytes());
            this.arguments.push(Cow::Owned(packed));
        });
    }

    fn rooms(&mut self, rooms: &'t [Room], elsewhere: Vec<(String, &'t Room)>) {
        let own = rooms.iter().map(|room| (None, room));
        let rooms: Vec<_> = own.chain(elsewhere.into_iter().map(|(key, room)| (Some(key), room))).collect();
        self.list(rooms, |this, (key, room)| {
            match key {
                Some(key) => this.key_elsewhere(SORTED_ELSEWHERE, key),
                None => this.key(SORTED, room.index),
            }
            this.owned(sorted::member(&room.entry));
            this.owned(room.max.to_string());
            let (least, greater) = sorted::members(&room.entry.sort_key);
            this.owned(least);
            this.owned(greater);
        });
    }

    fn word<const N: usize>(&mut self, word: Word<'t, N>) {
        self.arguments.push(Cow::Borrowed(word.command.as_bytes()));
        let kind = if word.command.starts_with('H') { HASH_ELSEWHERE } else { SORTED_ELSEWHERE };
        self.key_elsewhere(kind, word.key);
        self.arguments.extend(word.words);
    }

    /// Rows that are deleted and put, and entries that are deleted from indexes.
    fn rows(&mut self, txn: &'t Txn) {
        self.list(&txn.deletes, |this, key| this.text(field(key)));
        self.list(&txn.puts, |this, (key, value)| {
            this.text(field(key));
            this.arguments.push(match fields::end(key, this.now) {
                Some(end) => Cow::Owned(fields::ending(end, value)),
                None => Cow::Borrowed(value),
            });
        });
        // Only how many they are.
        self.list(txn.puts.iter().filter(|(key, _)| !is_lasting(key)).collect::<Vec<_>>(), |_, _| {});
        self.list(&txn.index_deletes, |this, entry| {
            this.place(INDEXES, "");
            this.arguments.push(Cow::Owned(fields::member(entry.index, &entry.key)));
        });
    }

    /// A list: notes its length, and adds its items.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        each: impl Fn(&mut Self, T),
    ) {
        let items = items.into_iter();
        // No transaction has more than Txn::ITEMS_MAX.
        self.lengths.extend(u16::try_from(items.len()).unwrap_or(u16::MAX).to_be_bytes());
        for item in items {
            each(self, item);
        }
    }

    /// The place of a counter, from 1, where it is declared once.
    fn counter(&mut self, name: Cow<'t, str>) -> u16 {
        let found = self.counters.iter().position(|counter| *counter == name);
        let place = found.unwrap_or_else(|| {
            self.counters.push(name);
            self.counters.len() - 1
        });
        // No transaction has more than Txn::ITEMS_MAX.
        u16::try_from(place + 1).unwrap_or(u16::MAX)
    }

    /// The place of a key among the keys, where it is declared once.
    fn place(&mut self, kind: char, name: &'t str) -> usize {
        let found = self.places.iter().position(|place| *place == (kind, name));
        let place = found.unwrap_or_else(|| {
            self.keys.push(match kind {
                INDEXES => self.names.indexes(self.shard),
                SORTED => self.names.sorted(self.shard, name),
                _ => self.names.log(self.shard, name),
            });
            self.kinds.push(if kind == LOG { LOG } else { INDEXES });
            self.places.push((kind, name));
            self.places.len() - 1
        });
        place + 2
    }

    /// The same of a key of another shard.
    fn key_elsewhere(&mut self, kind: char, key: String) {
        let found = self.keys.iter().position(|other| *other == key);
        let place = found.unwrap_or_else(|| {
            self.keys.push(key);
            self.kinds.push(kind);
            self.places.push((kind, ""));
            self.keys.len() - 1
        });
        self.owned((place + 1).to_string());
    }

    fn key(&mut self, kind: char, name: &'t str) {
        let place = self.place(kind, name);
        self.owned(place.to_string());
    }

    fn text(&mut self, text: Cow<'t, str>) {
        self.arguments.push(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
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
