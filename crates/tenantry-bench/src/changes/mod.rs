//! Changes: how many a second, what each costs, and how often one has to be decided anew.

mod embedded;
mod engine;
mod http;
mod rounds;
mod stage;

use anyhow::{Result, bail};

/// Measures everything about changes.
pub(crate) fn run() -> Result<()> {
    engine::run()?;
    embedded::run()?;
    http::run()
}

/// Measures one part of it.
pub(crate) fn run_part(part: &str) -> Result<()> {
    match part {
        "engine" => engine::run(),
        "embedded" => embedded::run(),
        "http" => http::run(),
        _ => bail!("there is no part {part}"),
    }
}
