//! What must hold before a release, and takes too long for every change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{command, metadata, run};

/// The tools that look, and what cargo installs them by.
const TOOLS: [(&str, &str); 4] = [
    ("cargo-hack", "cargo-hack"),
    ("cargo-machete", "cargo-machete"),
    ("cargo-deny", "cargo-deny"),
    ("typos", "typos-cli"),
];

/// Spelling, unused dependencies, licenses and sources, the lowest versions, and pairs of features.
pub(crate) fn check() -> Result<()> {
    let target = PathBuf::from(metadata()?["target_directory"].as_str().context("no target directory")?);
    let tools = target.join("tools");
    for (program, package) in TOOLS {
        if !tools.join("bin").join(program).exists() {
            run(command(&["install", "--locked", package, "--root"]).arg(&tools))?;
        }
    }
    let tool = |program: &str, arguments: &[&str]| {
        let mut tool = Command::new(tools.join("bin").join(program));
        tool.current_dir(root()).args(arguments);
        run(&mut tool)
    };
    tool("typos", &[])?;
    tool("cargo-machete", &["--with-metadata"])?;
    tool("cargo-deny", &["check", "licenses", "bans", "sources"])?;
    rust_version()?;
    lowest_versions(&target)?;
    let powerset = ["hack", "check", "--workspace", "--feature-powerset", "--depth", "2", "--no-dev-deps"];
    let mut hack = Command::new(tools.join("bin/cargo-hack"));
    hack.current_dir(root()).args(powerset).args(["--exclude-features", "default"]);
    // A target directory of its own: other flags build everything anew.
    run(hack.env("RUSTFLAGS", "-D warnings").env("CARGO_TARGET_DIR", target.join("powerset")))
}

fn root() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..")
}

/// No dependency needs a newer Rust than the one that the workspace promises. That the workspace's own code does not is
/// looked after by clippy (`incompatible_msrv`).
fn rust_version() -> Result<()> {
    let output = command(&["metadata", "--locked", "--format-version", "1"]).output().context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let version = |package: &Value| package["rust_version"].as_str().map(numbers);
    let ours = packages().find(|package| package["name"] == "tenantry").and_then(version);
    let ours = ours.context("tenantry states no rust-version")?;
    for package in packages() {
        let needed = version(package).unwrap_or_default();
        ensure!(needed <= ours, "{} needs Rust {needed:?}, and {ours:?} is promised", package["id"]);
    }
    eprintln!("xtask: no dependency needs a newer Rust than {ours:?}");
    Ok(())
}

/// `1.90` → `[1, 90]`.
fn numbers(version: &str) -> Vec<u32> {
    let mut numbers: Vec<_> = version.split('.').filter_map(|number| number.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// What is published compiles with the lowest versions of its direct dependencies that it states. In a copy: whoever stops
/// this half-way finds the repository as it was.
fn lowest_versions(target: &Path) -> Result<()> {
    let copy = target.join("lowest");
    let listed = Command::new("git").current_dir(root()).args(["ls-files", "-z"]).output().context("git ls-files")?;
    ensure!(listed.status.success(), "git ls-files failed");
    for file in String::from_utf8(listed.stdout)?.split_terminator('\0').filter(|file| *file != "Cargo.lock") {
        let (from, to) = (Path::new(root()).join(file), copy.join(file));
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::copy(&from, to).with_context(|| format!("copying {file}"))?;
    }
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        // An option of nightly cargo, which this variable lets the stable one know.
        cargo.current_dir(&copy).args(arguments).env("RUSTC_BOOTSTRAP", "1");
        run(&mut cargo)
    };
    cargo(&["-Z", "direct-minimal-versions", "update"])?;
    cargo(&["check", "--locked", "--package", "tenantry", "--all-features"])
}
