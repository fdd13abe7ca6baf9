//! The benchmarks of this repository.
//!
//! A figure is a ratio or a difference of two things that were measured in one run, in turns; or a count. What each
//! benchmark compares stands in its module. `cargo xtask bench` runs them in release mode and prints their tables,
//! which are written under `target/bench` as well.

#![expect(clippy::cast_precision_loss, reason = "figures are for people, who read three digits of them")]

mod allocations;
mod changes;
mod commands;
mod crowd;
mod embedded;
mod figures;
mod freshness;
mod layer;
mod load;
mod measure;
mod peers;
mod plot;
mod scale;
mod site;
mod table;
mod workers;
mod world;

use std::process::ExitCode;

use anyhow::{Context, Result};

pub use crate::allocations::Heap;

const HELP: &str = "\
layer                    what TenantryLayer costs a request, beside what a host would write by hand
layer known              that part only: an answer that is known, in process
layer burst              that part only: a thousand requests at once whose answer is unknown
layer loopback           that part only: over HTTP, and rivals that ask Redis
layer --repeat WAY N     asks one way N times and measures nothing, for callgrind:
                         valgrind --tool=callgrind --toggle-collect='*repeated*' …
changes                  what 64 callers change in a second, in all of these ways:
changes engine           on one Redis
changes embedded         on the embedded store, in memory and in a file
changes http             over HTTP on one Redis, beside better-auth
scale [N]                what things cost among 1,000 organizations to N (100,000), and the memory
scale embedded [N]       that on the embedded store only
freshness                how long after a change another node answers as before

BENCH_WORKERS=N          worker threads of changes and scale. Without it: one fewer than the machine has cores where a
                         Redis on the same machine needs one, too (changes engine, scale); else as many as it has cores";

/// Measures what the arguments of the process name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    told(run(&arguments))
}

/// Counts the allocations, or the bytes, of the part that the arguments of the process name; `so_far` answers what the
/// process has.
#[must_use]
pub fn count_allocations(so_far: fn() -> Heap) -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    told(allocations::print(&arguments, so_far))
}

fn told(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["layer"] => layer::run(),
        ["layer", part] => layer::run_part(part),
        ["changes"] => changes::run(),
        ["changes", part] => changes::run_part(part),
        ["scale"] => scale::run(scale::LARGEST),
        ["scale", "embedded"] => scale::run_embedded(scale::LARGEST),
        ["scale", "embedded", largest] => scale::run_embedded(largest.parse().context("how many organizations")?),
        ["scale", largest] => scale::run(largest.parse().context("how many organizations")?),
        ["freshness"] => freshness::run(),
        ["layer", "--repeat", way, count] => layer::repeat(way, count.parse().context("how many requests")?),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}
