//! One transaction, or several that are applied together: first all that may refuse them, then all that they write.

use std::collections::HashMap;

use redb::{ReadableTable, StorageError};
use tenantry_core::{
    store::{Add, Check, CommitError, Committed, Key, Range, Room, Shard, Txn, Unavailable},
    values::clock::Timestamp,
};

use crate::{tables::Tables, writer::Answer};

/// Counters stay within plus and minus this (see [`Add::by`]).
const COUNTER_MAX: i64 = 1 << 53;

/// The answer to the caller, or an error of the file, which spoils the whole batch.
pub(crate) type Applied = Result<Answer, StorageError>;

/// Why evaluating stopped.
enum Refused {
    Commit(CommitError),
    Storage(StorageError),
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Applies `txn` and all of `others`, or leaves everything as it was; `None`: one of the others is refused.
pub(crate) fn apply(
    tables: &mut Tables<'_>,
    shard: &Shard,
    txn: &Txn,
    others: &[(Shard, Txn)],
    now: Timestamp,
) -> Applied {
    let plan = match Plan::make(tables, shard.as_str(), txn, now) {
        Ok(plan) => plan,
        Err(Refused::Commit(error)) => return Ok(Err(error)),
        Err(Refused::Storage(error)) => return Err(error),
    };
    let mut plans = Vec::with_capacity(others.len());
    for (shard, txn) in others {
        match Plan::make(tables, shard.as_str(), txn, now) {
            Ok(plan) => plans.push(plan),
            Err(Refused::Commit(_)) => return Ok(Ok(None)),
            Err(Refused::Storage(error)) => return Err(error),
        }
    }
    plan.carry_out(tables, shard.as_str(), txn, now)?;
    for (plan, (shard, txn)) in plans.iter().zip(others) {
        plan.carry_out(tables, shard.as_str(), txn, now)?;
    }
    let counters = txn.adds.iter().filter_map(|add| plan.counters.get(add.key.name()).copied()).collect();
    Ok(Ok(Some(Committed { counters })))
}

/// What has been decided before anything is written.
struct Plan {
    /// The new values of counters, those of the indexes included.
    counters: HashMap<String, i64>,
    /// For each of the transaction's index puts the number to give; `None`: the entry is there already.
    numbers: Vec<Option<u64>>,
}

impl Plan {
    fn make(tables: &Tables<'_>, shard: &str, txn: &Txn, now: Timestamp) -> Result<Self, Refused> {
        if txn.is_first && !is_empty(tables, shard, now)? {
            return Err(Refused::Commit(CommitError::Conflict));
        }
        for check in &txn.checks {
            if !holds(tables, shard, check, now)? {
                return Err(Refused::Commit(CommitError::Conflict));
            }
        }
        let mut plan = Self { counters: HashMap::new(), numbers: Vec::with_capacity(txn.index_puts.len()) };
        for (place, add) in txn.adds.iter().enumerate() {
            let value = plan.counter(tables, shard, add.key.name())?;
            let sum = sum(value, add).ok_or(Refused::Commit(CommitError::Limit(place)))?;
            plan.counters.insert(add.key.name().to_owned(), sum);
        }
        for (place, room) in txn.rooms.iter().enumerate() {
            if !has_room(tables, shard, room)? {
                return Err(Refused::Commit(CommitError::Limit(txn.adds.len() + place)));
            }
        }
        for entry in &txn.index_puts {
            let number = if tables.entries.get((shard, entry.index.name(), entry.key.as_str()))?.is_some() {
                None
            } else if entry.number.is_some() {
                entry.number
            } else {
                Some(plan.next_number(tables, shard, &Range::counter(entry.index))?)
            };
            plan.numbers.push(number);
        }
        Ok(plan)
    }

    fn carry_out(&self, tables: &mut Tables<'_>, shard: &str, txn: &Txn, now: Timestamp) -> Result<(), StorageError> {
        write_rows(tables, shard, txn, self, now)?;
        write_indexes(tables, shard, txn, self)?;
        write_sorted(tables, shard, txn)?;
        write_logs(tables, shard, txn)
    }

    /// The counter's value as this transaction has left it so far.
    fn counter(&self, tables: &Tables<'_>, shard: &str, name: &str) -> Result<i64, Refused> {
        if let Some(value) = self.counters.get(name) {
            return Ok(*value);
        }
        let Some(row) = tables.rows.get((shard, name))? else { return Ok(0) };
        std::str::from_utf8(row.value())
            .ok()
            .and_then(|text| text.parse::<i64>().ok().filter(|value| value.to_string() == text))
            .filter(|value| value.abs() <= COUNTER_MAX)
            .ok_or_else(|| {
                let reason = format!("row {name:?} of shard {shard} is no counter: delete it, or put a whole number");
                Refused::Commit(CommitError::NotApplied(Unavailable::new(reason)))
            })
    }

    fn next_number(&mut self, tables: &Tables<'_>, shard: &str, counter: &Key) -> Result<u64, Refused> {
        let next = self.counter(tables, shard, counter.name())? + 1;
        self.counters.insert(counter.name().to_owned(), next);
        u64::try_from(next).map_err(|_| {
            let reason =
                format!("counter {:?} of shard {shard} is negative: put the last number there", counter.name());
            Refused::Commit(CommitError::NotApplied(Unavailable::new(reason)))
        })
    }
}

/// Whether nothing is kept in the shard, or nothing but rows that have ended.
fn is_empty(tables: &Tables<'_>, shard: &str, now: Timestamp) -> Result<bool, StorageError> {
    for row in tables.passing.range((shard, "")..)? {
        let (key, value) = row?;
        if key.value().0 != shard {
            break;
        }
        if value.value().0 > now.as_millis() {
            return Ok(false);
        }
    }
    let first_row = tables.rows.range((shard, "")..)?.next().transpose()?;
    let first_entry = tables.entries.range((shard, "", "")..)?.next().transpose()?;
    let first_sorted = tables.sorted.range((shard, "", "", "")..)?.next().transpose()?;
    let first_line = tables.logs.range((shard, "", 0)..)?.next().transpose()?;
    Ok(first_row.is_none_or(|(key, _)| key.value().0 != shard)
        && first_entry.is_none_or(|(key, _)| key.value().0 != shard)
        && first_sorted.is_none_or(|(key, _)| key.value().0 != shard)
        && first_line.is_none_or(|(key, _)| key.value().0 != shard))
}

fn holds(tables: &Tables<'_>, shard: &str, check: &Check, now: Timestamp) -> Result<bool, StorageError> {
    let key = (shard, check.key.name());
    if check.key.lifetime().is_none() {
        let row = tables.rows.get(key)?;
        return Ok(row.as_ref().map(redb::AccessGuard::value) == check.expected.as_deref());
    }
    let row = tables.passing.get(key)?;
    let value = row.as_ref().map(redb::AccessGuard::value).filter(|(end, _)| *end > now.as_millis());
    Ok(value.map(|(_, value)| value) == check.expected.as_deref())
}

/// Counts no further than it must.
fn has_room(tables: &Tables<'_>, shard: &str, room: &Room) -> Result<bool, StorageError> {
    let Room { index, entry, max } = room;
    if tables.sorted.get((shard, *index, entry.sort_key.as_str(), entry.entry.as_str()))?.is_some() {
        return Ok(true);
    }
    let mut count = 0;
    for other in tables.sorted.range((shard, *index, entry.sort_key.as_str(), "")..)? {
        let (key, _) = other?;
        let (its_shard, its_index, its_sort_key, _) = key.value();
        if count >= *max || (its_shard, its_index, its_sort_key) != (shard, *index, entry.sort_key.as_str()) {
            break;
        }
        count += 1;
    }
    Ok(count < *max)
}

/// `None`: the sum would leave a bound.
fn sum(value: i64, add: &Add) -> Option<i64> {
    let (min, max) = (add.min.unwrap_or(i64::MIN), add.max.unwrap_or(i64::MAX));
    let (min, max) = (min.max(-COUNTER_MAX), max.min(COUNTER_MAX));
    value.checked_add(add.by).filter(|sum| (min..=max).contains(sum))
}

fn write_rows(
    tables: &mut Tables<'_>,
    shard: &str,
    txn: &Txn,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), StorageError> {
    for key in &txn.deletes {
        if key.lifetime().is_some() {
            tables.delete_passing(shard, key.name())?;
        } else {
            tables.rows.remove((shard, key.name()))?;
        }
    }
    for (key, value) in &txn.puts {
        if let Some(lifetime) = key.lifetime() {
            tables.put_passing(shard, key.name(), now.after(lifetime).as_millis(), value)?;
        } else {
            tables.rows.insert((shard, key.name()), &value[..])?;
        }
    }
    for (name, value) in &plan.counters {
        tables.rows.insert((shard, name.as_str()), value.to_string().as_bytes())?;
    }
    Ok(())
}

fn write_indexes(tables: &mut Tables<'_>, shard: &str, txn: &Txn, plan: &Plan) -> Result<(), StorageError> {
    for entry in &txn.index_deletes {
        let number =
            tables.entries.remove((shard, entry.index.name(), entry.key.as_str()))?.map(|number| number.value());
        if let Some(number) = number {
            tables.numbers.remove((shard, entry.index.name(), number, entry.key.as_str()))?;
        }
    }
    for (entry, number) in txn.index_puts.iter().zip(&plan.numbers) {
        if let Some(number) = *number {
            tables.entries.insert((shard, entry.index.name(), entry.key.as_str()), number)?;
            tables.numbers.insert((shard, entry.index.name(), number, entry.key.as_str()), ())?;
        }
    }
    Ok(())
}

fn write_sorted(tables: &mut Tables<'_>, shard: &str, txn: &Txn) -> Result<(), StorageError> {
    for (index, entry) in &txn.sorted_deletes {
        tables.sorted.remove((shard, *index, entry.sort_key.as_str(), entry.entry.as_str()))?;
    }
    for (index, entry) in &txn.sorted_puts {
        tables.sorted.insert((shard, *index, entry.sort_key.as_str(), entry.entry.as_str()), ())?;
    }
    Ok(())
}

fn write_logs(tables: &mut Tables<'_>, shard: &str, txn: &Txn) -> Result<(), StorageError> {
    for log in &txn.log_drops {
        tables.logs.retain_in((shard, *log, 0)..=(shard, *log, u64::MAX), |_, _| false)?;
    }
    for (log, entry) in &txn.appends {
        let last = tables.logs.range((shard, *log, 0)..=(shard, *log, u64::MAX))?.next_back();
        let number = last.transpose()?.map_or(0, |(key, _)| key.value().2 + 1);
        tables.logs.insert((shard, *log, number), &entry[..])?;
    }
    Ok(())
}
