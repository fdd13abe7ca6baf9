//! Counts what requests allocate, for the tables of the layer. The benchmarks start it.

use std::{alloc::System, process::ExitCode};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    tenantry_bench::count_allocations(|| {
        let stats = ALLOCATOR.stats();
        stats.allocations + stats.reallocations
    })
}
