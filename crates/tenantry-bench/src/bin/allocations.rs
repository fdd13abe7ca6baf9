//! Counts what requests allocate, for the tables of the layer, and what the embedded store keeps in memory. The
//! benchmarks start it.

use std::{alloc::System, process::ExitCode};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tenantry_bench::Heap;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    tenantry_bench::count_allocations(|| {
        let stats = ALLOCATOR.stats();
        Heap {
            allocations: stats.allocations + stats.reallocations,
            bytes: stats.bytes_allocated - stats.bytes_deallocated,
        }
    })
}
