//! Every feature of every crate: alone, none, and all together.

use anyhow::{Context, Result, ensure};

use crate::{command, metadata};

/// Type-checks each combination.
pub(crate) fn check() -> Result<()> {
    let metadata = metadata()?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().context("a package without a name")?;
        let features = package["features"].as_object().context("a package without features")?;
        if features.is_empty() {
            continue;
        }
        let check = |arguments: &[&str]| without_warnings(&[&["--package", name], arguments].concat());
        check(&["--no-default-features"])?;
        for feature in features.keys().filter(|feature| *feature != "default") {
            check(&["--no-default-features", "--features", feature])?;
        }
        check(&["--all-features"])?;
    }
    Ok(())
}

/// Type-checks, and takes a warning for a failure. By what is printed and not by `-D warnings`: other flags would build
/// every dependency anew.
fn without_warnings(arguments: &[&str]) -> Result<()> {
    let mut check = command(&[&["check", "--quiet", "--locked"], arguments].concat());
    let checked = check.output().context("cargo check")?;
    let said = String::from_utf8_lossy(&checked.stderr);
    ensure!(checked.status.success() && !said.contains("warning:"), "{check:?}\n{said}");
    Ok(())
}
