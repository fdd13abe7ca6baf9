//! On the embedded store, in memory and in a file, in turns.

use std::sync::Arc;

use anyhow::Result;
use tenantry_embedded::EmbeddedStore;

use super::rounds::{Bench, CALLERS, OPERATIONS, ROUNDS};
use crate::{embedded::StoreFile, table::Table, workers::Workers};

/// Measures, and publishes the table `changes-embedded`.
pub(super) fn run() -> Result<()> {
    let workers = Workers::on_all_cores()?;
    let (_file, on_disk) = StoreFile::create()?;
    let mut benches = [Bench::new(Arc::new(EmbeddedStore::in_memory()?))?, Bench::new(Arc::new(on_disk))?];
    workers.runtime()?.block_on(Bench::in_turns(&mut benches))?;
    let title = format!(
        "{CALLERS} callers at once on the embedded store, without HTTP: {ROUNDS} rounds of {OPERATIONS} operations of \
         each kind, in turns. {}",
        workers.told("; the store writes on a thread of its own")
    );
    let columns = ["operation", "store", "operations/s", "half of the rounds", "retries each", "one caller, µs"];
    let mut table = Table::new(&title, &columns);
    let [in_memory, on_disk] = &benches;
    for ((name, in_memory), (_, on_disk)) in in_memory.measured().zip(on_disk.measured()) {
        for (store, measured) in [("memory", in_memory), ("file, fsync", on_disk)] {
            table.row([
                name.to_owned(),
                store.to_owned(),
                format!("{:.0}", measured.per_second.median()),
                measured.per_second.spread(0),
                format!("{:.4}", measured.retries_each()),
                format!("{:.0}", measured.alone_us.median()),
            ]);
        }
    }
    table.publish("changes-embedded")
}
