//! The benchmarks: `cargo xtask bench`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// A host may do the same.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tenantry_bench::main()
}
