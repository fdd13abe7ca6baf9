//! The chores of this repository.
//!
//! `cargo xtask test` installs what is missing and runs everything that must pass; `cargo xtask help` lists the rest.

mod features;
mod package;
mod release;
mod setup;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const HELP: &str = "\
cargo xtask test       install what is missing (it says what, from where), then formatting, lints, documentation,
                       every feature alone, the packages, and every test; --quick leaves out features and packages
cargo xtask lint       formatting, lints and documentation only
cargo xtask features   every feature of every crate alone, none, and all together
cargo xtask package    packs what is published, and compiles what was packed
cargo xtask release    what takes too long for every change: pairs of features, the lowest versions of dependencies, their
                       licenses and sources, unused ones, spelling
cargo xtask bench      the benchmarks, built for release; without a name it says which there are";

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("test") => test(std::env::args().any(|argument| argument == "--quick")),
        Some("lint") => lint(),
        Some("features") => features::check(),
        Some("package") => package::check(),
        Some("release") => release::check(),
        Some("bench") => bench(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn test(is_quick: bool) -> Result<()> {
    setup::programs(&[&setup::SERVERS[..], &setup::NETWORK, &[setup::CURL, setup::MAIL_SERVER]].concat())?;
    lint()?;
    if is_quick {
        return cargo(&["test", "--workspace"]);
    }
    features::check()?;
    package::check()?;
    cargo(&["test", "--workspace"])?;
    // The other backend that verifies JWTs. Not both at once: jsonwebtoken's own functions, with which the tests sign,
    // cannot choose then.
    cargo(&["test", "--package", "tenantry-tower", "--no-default-features", "--features", "axum,jwks,rust_crypto"])
}

fn lint() -> Result<()> {
    run(&mut command(&["fmt", "--all", "--check"]))?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    run(command(&["doc", "--workspace", "--no-deps", "--features", "tenantry/jwks,tenantry/redis-tls,tenantry/smtp"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

fn bench(arguments: &[String]) -> Result<()> {
    setup::programs(&setup::SERVERS)?;
    // Both of its programs: that which measures time starts that which counts allocations.
    cargo(&["build", "--release", "--package", "tenantry-bench"])?;
    run(command(&["run", "--release", "--package", "tenantry-bench", "--"]).args(arguments))
}

/// Runs cargo in the repository, with the versions of `Cargo.lock`; fails if it fails.
fn cargo(arguments: &[&str]) -> Result<()> {
    let (subcommand, rest) = arguments.split_at(arguments.len().min(1));
    run(&mut command(&[subcommand, &["--locked"], rest].concat()))
}

/// What cargo knows of the workspace.
fn metadata() -> Result<Value> {
    let metadata = command(&["metadata", "--no-deps", "--format-version", "1"]).output().context("cargo metadata")?;
    ensure!(metadata.status.success(), "cargo metadata failed");
    serde_json::from_slice(&metadata.stdout).context("reading cargo metadata")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(arguments);
    command
}

/// Runs it, says how long it took, and fails if it fails.
#[expect(clippy::disallowed_methods, reason = "only what is said depends on the time")]
fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    eprintln!("xtask: {shown}");
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed");
    }
    eprintln!("xtask: {shown} took {} s", started.elapsed().as_secs());
    Ok(())
}
