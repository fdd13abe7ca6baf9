//! How many allocations a request costs, and what the embedded store keeps in memory.
//!
//! Counting slows down what is counted. So another program counts, and measures nothing else: it prepares the same
//! ways as the benchmark that starts it, and prints what it counted of each.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::{layer, scale};

const PROGRAM: &str = "tenantry-bench-allocations";

/// What a process has on its heap.
#[derive(Debug, Clone, Copy)]
pub struct Heap {
    /// How many allocations it has made so far.
    pub allocations: usize,
    /// How many bytes it holds.
    pub bytes: usize,
}

/// Answers what this process has.
pub(crate) type SoFar = fn() -> Heap;

/// By the name of each way, the allocations of one request; by the size of each platform, the bytes for an organization.
pub(crate) type Allocations = BTreeMap<String, f64>;

/// Has the other program count one part.
pub(crate) fn of(part: &[&str]) -> Result<Allocations> {
    let program = std::env::current_exe()?.with_file_name(PROGRAM);
    ensure!(program.exists(), "{} is missing: cargo build --release -p tenantry-bench makes it", program.display());
    let counted = Command::new(&program).args(part).output().context(PROGRAM)?;
    ensure!(counted.status.success(), "{PROGRAM} {part:?}: {}", String::from_utf8_lossy(&counted.stderr));
    serde_json::from_slice(&counted.stdout).with_context(|| format!("reading what {PROGRAM} counted"))
}

/// Counts the part that is named, and prints it for [`of`].
pub(crate) fn print(part: &[&str], so_far: SoFar) -> Result<()> {
    let counted = match part {
        ["known"] => layer::known_allocations(so_far)?,
        ["loopback"] => layer::loopback_allocations(so_far)?,
        ["memory", largest] => scale::memory_bytes(largest.parse().context("how many organizations")?, so_far)?,
        _ => bail!("there is no part {part:?}"),
    };
    println!("{}", serde_json::to_string(&counted)?);
    Ok(())
}
