//! On one Redis.

use std::sync::Arc;

use anyhow::Result;
use tenantry_testing::redis_server::RedisServer;

use super::rounds::{Bench, CALLERS, OPERATIONS, ROUNDS};
use crate::{table::Table, workers::Workers, world::patient};

/// Measures, and publishes the table `changes-engine`.
pub(super) fn run() -> Result<()> {
    let server = RedisServer::start(&[]);
    let workers = Workers::beside_redis()?;
    let benches = workers.runtime()?.block_on(async {
        let mut benches = [Bench::new(Arc::new(patient(&server.url()).await?))?];
        Bench::in_turns(&mut benches).await?;
        anyhow::Ok(benches)
    })?;
    let title = format!(
        "{CALLERS} callers at once on one Redis, without HTTP: {ROUNDS} rounds of {OPERATIONS} operations of each kind, \
         in turns. {}",
        workers.told(", which Redis shares")
    );
    let columns =
        ["operation", "operations/s", "half of the rounds", "retries each", "round trips each", "one caller, µs"];
    let mut table = Table::new(&title, &columns);
    for (name, measured) in benches.iter().flat_map(Bench::measured) {
        table.row([
            name.to_owned(),
            format!("{:.0}", measured.per_second.median()),
            measured.per_second.spread(0),
            format!("{:.4}", measured.retries_each()),
            format!("{:.2}", measured.calls_each()),
            format!("{:.0}", measured.alone_us.median()),
        ]);
    }
    table.publish("changes-engine")
}
