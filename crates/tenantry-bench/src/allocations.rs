//! How many allocations a request costs.
//!
//! Counting slows down what is counted. So another program counts, and measures nothing else: it prepares the same
//! ways as the benchmark that starts it, and prints of each how many allocations a request makes.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::layer;

const PROGRAM: &str = "tenantry-bench-allocations";

/// Answers how many allocations the process has made so far.
pub(crate) type SoFar = fn() -> usize;

/// By the name of each way, the allocations of one request.
pub(crate) type Allocations = BTreeMap<String, f64>;

/// Has the other program count one part of the layer's benchmark.
pub(crate) fn of(part: &str) -> Result<Allocations> {
    let program = std::env::current_exe()?.with_file_name(PROGRAM);
    ensure!(program.exists(), "{} is missing: cargo build --release -p tenantry-bench makes it", program.display());
    let counted = Command::new(&program).arg(part).output().context(PROGRAM)?;
    ensure!(counted.status.success(), "{PROGRAM} {part}: {}", String::from_utf8_lossy(&counted.stderr));
    serde_json::from_slice(&counted.stdout).with_context(|| format!("reading what {PROGRAM} counted"))
}

/// Counts the part that is named, and prints it for [`of`].
pub(crate) fn print(part: &str, so_far: SoFar) -> Result<()> {
    let counted = match part {
        "known" => layer::known_allocations(so_far)?,
        "loopback" => layer::loopback_allocations(so_far)?,
        _ => bail!("there is no part {part}"),
    };
    println!("{}", serde_json::to_string(&counted)?);
    Ok(())
}
