//! The benchmarks of this repository.
//!
//! A figure is a ratio or a difference of two things that were measured in one run, in turns; or a count. What each
//! benchmark compares stands in its module. `cargo xtask bench` runs them in release mode and prints their tables,
//! which are written under `target/bench` as well.

#![expect(clippy::cast_precision_loss, reason = "figures are for people, who read three digits of them")]

mod changes;
mod commands;
mod crowd;
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
mod world;

use std::process::ExitCode;

use anyhow::{Context, Result};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const HELP: &str = "\
layer                    what TenancyLayer costs a request, beside what a host would write by hand
layer known              that part only: an answer that is known, in process
layer burst              that part only: a thousand requests at once whose answer is unknown
layer loopback           that part only: over HTTP, and rivals that ask Redis
layer --repeat WAY N     asks one way N times and measures nothing, for callgrind:
                         valgrind --tool=callgrind --toggle-collect='*repeated*' …
changes [engine|http]    what 64 callers change on one Redis in a second; the same over HTTP
scale [N]                what things cost among 1,000 organizations to N (100,000), and the memory
freshness                how long after a change another node answers as before";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
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
        ["scale", largest] => scale::run(largest.parse().context("how many organizations")?),
        ["freshness"] => freshness::run(),
        ["layer", "--repeat", way, count] => layer::repeat(way, count.parse().context("how many requests")?),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}
