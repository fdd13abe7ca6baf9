//! How long after a change another node answers as before.
//!
//! Node A makes a change and acknowledges it; from then on node B is asked again and again, until it refuses what it
//! granted before. The time is that at which the first request was sent that B refused, so never less than the truth,
//! and at most one request more. B asks with an answer in its cache each time.

mod frozen;
mod healthy;
mod node;
mod people;
mod proxy;
mod strict;

use anyhow::Result;
use tenantry_testing::redis_server::RedisServer;

use crate::{figures::Figures, plot, table::Table};

/// Measures, and publishes the tables `freshness` and `freshness-strict`.
pub(crate) fn run() -> Result<()> {
    let server = RedisServer::start(&[]);
    let healthy = healthy::run(&server)?;
    let frozen = frozen::run(&server)?;
    let all: Vec<_> = healthy.iter().chain(&frozen).map(|(name, figures)| (*name, figures)).collect();
    let title = "Milliseconds from an acknowledged change on node A until node B refuses what it granted before";
    let mut table = Table::new(title, &["change", "samples", "p50", "p90", "p99", "max"]);
    for (name, ms) in &all {
        table.row([
            (*name).to_owned(),
            ms.count().to_string(),
            format!("{:.2}", ms.median()),
            format!("{:.2}", ms.part(0.9)),
            format!("{:.2}", ms.part(0.99)),
            format!("{:.2}", ms.greatest()),
        ]);
    }
    table.publish("freshness")?;
    plot::distribution("freshness", "How long another node answers as before", &all)?;
    strict::run(&server)
}

/// Samples in milliseconds, by the name of what was sampled.
type Samples = Vec<(&'static str, Figures)>;
