//! Every feature of every crate: alone, none, and all together.

use anyhow::{Context, Result};

use crate::{cargo, metadata};

/// Type-checks each combination.
pub(crate) fn check() -> Result<()> {
    let metadata = metadata()?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().context("a package without a name")?;
        let features = package["features"].as_object().context("a package without features")?;
        if features.is_empty() {
            continue;
        }
        cargo(&["check", "--quiet", "--package", name, "--no-default-features"])?;
        for feature in features.keys().filter(|feature| *feature != "default") {
            cargo(&["check", "--quiet", "--package", name, "--no-default-features", "--features", feature])?;
        }
        cargo(&["check", "--quiet", "--package", name, "--all-features"])?;
    }
    Ok(())
}
