//! What `TenantryLayer` costs a request, beside what a host would write by hand.

mod burst;
mod cores;
mod known;
mod loopback;

use anyhow::{Result, bail};

pub(crate) use known::{allocations as known_allocations, repeat};
pub(crate) use loopback::allocations as loopback_allocations;

/// Measures everything about the layer.
pub(crate) fn run() -> Result<()> {
    known::run()?;
    burst::run()?;
    loopback::run()
}

/// Measures one part of it.
pub(crate) fn run_part(part: &str) -> Result<()> {
    match part {
        "known" => known::run(),
        "burst" => burst::run(),
        "loopback" => loopback::run(),
        _ => bail!("there is no part {part}"),
    }
}
