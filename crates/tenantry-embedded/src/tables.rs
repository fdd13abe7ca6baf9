//! What the file holds.

use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};

/// The version of the layout below, and of what core keeps in it ([`tenantry_core::store::FORMAT`]). A change of either
/// takes the next number.
pub(crate) const FORMAT_VERSION: u64 = 2;
const _: () = assert!(tenantry_core::store::FORMAT == 1, "a new format of core's takes the next number here");
/// The key of [`FORMAT`] with the version.
pub(crate) const FORMAT_KEY: &str = "version";
/// The key of [`FORMAT`] with the number of the last batch that was written: it tells whether a batch was.
pub(crate) const BATCH_KEY: &str = "batch";

type ShardAndName = (&'static str, &'static str);
type ShardAndNameAndNumber = (&'static str, &'static str, u64);

/// Which layout the file has, and how many batches were written.
pub(crate) const FORMAT: TableDefinition<'static, &str, u64> = TableDefinition::new("tenantry-format");
/// (shard, name) → value: rows that stay, and counters as decimal text.
pub(crate) const ROWS: TableDefinition<'static, ShardAndName, &[u8]> = TableDefinition::new("rows");
/// (shard, name) → (when it ends, value): rows with a lifetime. Times are milliseconds since 1970 in UTC.
pub(crate) const PASSING: TableDefinition<'static, ShardAndName, (i64, &[u8])> = TableDefinition::new("passing");
/// (when it ends, shard, name): the rows with a lifetime, in the order in which they end.
pub(crate) const ENDS: TableDefinition<'static, (i64, &str, &str), ()> = TableDefinition::new("ends");
/// (shard, index, number, the entry's key).
pub(crate) const NUMBERS: TableDefinition<'static, (&str, &str, u64, &str), ()> = TableDefinition::new("numbers");
/// (shard, index, the entry's key) → number.
pub(crate) const ENTRIES: TableDefinition<'static, (&str, &str, &str), u64> = TableDefinition::new("entries");
/// (shard, index, sort key, entry): sorted indexes.
pub(crate) const SORTED: TableDefinition<'static, (&str, &str, &str, &str), ()> = TableDefinition::new("sorted");
/// (shard, log, number) → entry.
pub(crate) const LOGS: TableDefinition<'static, ShardAndNameAndNumber, &[u8]> = TableDefinition::new("logs");

/// All tables of one write transaction. Opening them makes them.
pub(crate) struct Tables<'t> {
    pub(crate) format: Table<'t, &'static str, u64>,
    pub(crate) rows: Table<'t, ShardAndName, &'static [u8]>,
    pub(crate) passing: Table<'t, ShardAndName, (i64, &'static [u8])>,
    pub(crate) ends: Table<'t, (i64, &'static str, &'static str), ()>,
    pub(crate) numbers: Table<'t, (&'static str, &'static str, u64, &'static str), ()>,
    pub(crate) entries: Table<'t, (&'static str, &'static str, &'static str), u64>,
    pub(crate) sorted: Table<'t, (&'static str, &'static str, &'static str, &'static str), ()>,
    pub(crate) logs: Table<'t, ShardAndNameAndNumber, &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            format: transaction.open_table(FORMAT)?,
            rows: transaction.open_table(ROWS)?,
            passing: transaction.open_table(PASSING)?,
            ends: transaction.open_table(ENDS)?,
            numbers: transaction.open_table(NUMBERS)?,
            entries: transaction.open_table(ENTRIES)?,
            sorted: transaction.open_table(SORTED)?,
            logs: transaction.open_table(LOGS)?,
        })
    }

    /// Writes a row that ends at `end`.
    pub(crate) fn put_passing(&mut self, shard: &str, name: &str, end: i64, value: &[u8]) -> Result<(), StorageError> {
        let before = self.passing.insert((shard, name), (end, value))?.map(|old| old.value().0);
        if let Some(before) = before {
            self.ends.remove((before, shard, name))?;
        }
        self.ends.insert((end, shard, name), ())?;
        Ok(())
    }

    /// Deletes a row with a lifetime, if it is there.
    pub(crate) fn delete_passing(&mut self, shard: &str, name: &str) -> Result<(), StorageError> {
        let end = self.passing.remove((shard, name))?.map(|old| old.value().0);
        if let Some(end) = end {
            self.ends.remove((end, shard, name))?;
        }
        Ok(())
    }

    /// Deletes at most `limit` rows that have ended by `now`.
    /// Whether there were any.
    pub(crate) fn sweep(&mut self, now: i64, limit: usize) -> Result<bool, StorageError> {
        for swept in 0..limit {
            let Some((end, shard, name)) = self.first_ended(now)? else { return Ok(swept > 0) };
            self.ends.remove((end, shard.as_str(), name.as_str()))?;
            self.passing.remove((shard.as_str(), name.as_str()))?;
        }
        Ok(limit > 0)
    }

    fn first_ended(&self, now: i64) -> Result<Option<(i64, String, String)>, StorageError> {
        let Some((key, ())) = self.ends.first()?.map(|(key, value)| (key, value.value())) else { return Ok(None) };
        let (end, shard, name) = key.value();
        Ok((end <= now).then(|| (end, shard.to_owned(), name.to_owned())))
    }
}
