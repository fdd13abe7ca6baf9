//! Reads. Each is one redb read transaction, which sees every commit that was acknowledged before it began, and
//! neither waits for the writer nor makes it wait.

use std::ops::Bound;

use bytes::Bytes;
use redb::{AccessGuard, Database, ReadableDatabase};
use tenantry_core::{
    store::{Direction, Index, Key, Numbered, Order, Range, Shard, Sorted, SortedRange},
    values::clock::Timestamp,
};

use crate::tables::{ENTRIES, LOGS, NUMBERS, PASSING, ROWS, SORTED};

pub(crate) fn rows(
    database: &Database,
    shard: &Shard,
    keys: &[Key],
    now: Timestamp,
) -> Result<Vec<Option<Bytes>>, redb::Error> {
    let transaction = database.begin_read()?;
    let (rows, passing) = (transaction.open_table(ROWS)?, transaction.open_table(PASSING)?);
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let place = (shard.as_str(), key.name());
        values.push(if key.lifetime().is_none() {
            rows.get(place)?.map(|row| Bytes::copy_from_slice(row.value()))
        } else {
            let row = passing.get(place)?;
            let row = row.as_ref().map(AccessGuard::value).filter(|(end, _)| *end > now.as_millis());
            row.map(|(_, value)| Bytes::copy_from_slice(value))
        });
    }
    Ok(values)
}

pub(crate) fn range(database: &Database, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, redb::Error> {
    let table = database.begin_read()?.open_table(NUMBERS)?;
    let to = range.to.unwrap_or(u64::MAX).min(Index::NUMBER_MAX);
    let (least, most) = match (range.order, range.after) {
        (Order::OldestFirst, after) => (after.map_or(Some(0), |after| after.checked_add(1)), Some(to)),
        (Order::NewestFirst, after) => {
            (Some(0), after.map_or(Some(to), |after| after.checked_sub(1)).map(|n| n.min(to)))
        }
    };
    // redb wants an ordered range.
    let (Some(least), Some(most)) = (least, most.filter(|most| least.is_some_and(|least| least <= *most))) else {
        return Ok(Vec::new());
    };
    let at = |number| (shard.as_str(), range.index.name(), number, "");
    let mut found = table.range::<(&str, &str, u64, &str)>(at(least)..at(most + 1))?;
    let mut entries = Vec::new();
    while entries.len() < range.limit {
        let entry = if range.order == Order::OldestFirst { found.next() } else { found.next_back() };
        let Some(entry) = entry else { break };
        let (key, ()) = entry.map(|(key, value)| (key, value.value()))?;
        let (_, _, number, key) = key.value();
        entries.push(Numbered { number, key: key.to_owned() });
    }
    Ok(entries)
}

pub(crate) fn sorted_range(
    database: &Database,
    shard: &Shard,
    range: &SortedRange,
) -> Result<Vec<Sorted>, redb::Error> {
    let table = database.begin_read()?.open_table(SORTED)?;
    let index = range.index;
    // The first index that could follow.
    let next = format!("{index}\0");
    let end = (next.as_str(), "", "");
    let place = |sort_key| (index, sort_key, "");
    let after = range.after.as_ref().map(|after| (index, after.sort_key.as_str(), after.entry.as_str()));
    let mut least = Bound::Included(place(range.from.as_deref().unwrap_or_default()));
    let mut most = range.below.as_deref().map_or(end, place);
    match (range.direction, after) {
        (Direction::Ascending, Some(after)) if after >= place(range.from.as_deref().unwrap_or_default()) => {
            least = Bound::Excluded(after);
        }
        (Direction::Descending, Some(after)) => most = most.min(after),
        _ => {}
    }
    // redb wants an ordered range.
    if matches!(least, Bound::Included(least) | Bound::Excluded(least) if least >= most) {
        return Ok(Vec::new());
    }
    let within = |(index, sort_key, entry)| (shard.as_str(), index, sort_key, entry);
    let mut found = table.range::<(&str, &str, &str, &str)>((least.map(within), Bound::Excluded(within(most))))?;
    let mut entries = Vec::new();
    while entries.len() < range.limit {
        let entry = if range.direction == Direction::Ascending { found.next() } else { found.next_back() };
        let Some(entry) = entry else { break };
        let (key, _) = entry?;
        let (_, _, sort_key, entry) = key.value();
        entries.push(Sorted { sort_key: sort_key.to_owned(), entry: entry.to_owned() });
    }
    Ok(entries)
}

pub(crate) fn numbers(
    database: &Database,
    shard: &Shard,
    index: Index,
    keys: &[String],
) -> Result<Vec<Option<u64>>, redb::Error> {
    let table = database.begin_read()?.open_table(ENTRIES)?;
    let number =
        |key: &String| Ok(table.get((shard.as_str(), index.name(), key.as_str()))?.map(|number| number.value()));
    keys.iter().map(number).collect()
}

pub(crate) fn log(
    database: &Database,
    shard: &Shard,
    log: &str,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Bytes)>, redb::Error> {
    let table = database.begin_read()?.open_table(LOGS)?;
    let Some(last) = before.unwrap_or(u64::MAX).checked_sub(1) else { return Ok(Vec::new()) };
    let entries = table.range((shard.as_str(), log, 0)..=(shard.as_str(), log, last))?.rev().take(limit);
    entries
        .map(|entry| entry.map(|(key, value)| (key.value().2, Bytes::copy_from_slice(value.value()))))
        .map(|entry| entry.map_err(Into::into))
        .collect()
}
