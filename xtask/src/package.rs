//! Packs what is published, and compiles it from what was packed: a file that a crate takes from outside of its own
//! folder is missing there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{command, metadata, run};

/// What every package has to have, besides its code.
const LICENSES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Packs each crate, unpacks it, and type-checks all of them together, as somebody has them who depends on `tenantry`.
pub(crate) fn check() -> Result<()> {
    let metadata = metadata()?;
    let target = PathBuf::from(metadata["target_directory"].as_str().context("no target directory")?);
    let root = PathBuf::from(metadata["workspace_root"].as_str().context("no root of the workspace")?);
    // What is never published has an empty list of registries.
    let published: Vec<_> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| Some((package["name"].as_str()?, package["version"].as_str()?)))
        .collect();
    let names = published.iter().flat_map(|(name, _)| ["--package", name]);
    let pack = ["package", "--no-verify", "--allow-dirty"].into_iter().chain(names).collect::<Vec<_>>();
    run(&mut command(&pack))?;

    let unpacked = target.join("package/unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).context("removing what was unpacked before")?;
    }
    fs::create_dir_all(&unpacked)?;
    let mut manifest = String::from("[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n");
    for (name, version) in &published {
        let folder = format!("{name}-{version}");
        let tarball = target.join(format!("package/{folder}.crate"));
        run(Command::new("tar").arg("-xzf").arg(tarball).arg("-C").arg(&unpacked))?;
        for license in LICENSES {
            same(&root.join(license), &unpacked.join(&folder).join(license))?;
        }
        manifest.extend([name, " = { path = \"", &folder, "\" }\n"]);
    }
    // With the same profile, what the check of the features has compiled is not compiled once more.
    let own = fs::read_to_string(root.join("Cargo.toml"))?;
    manifest.push_str(own.find("[profile.").and_then(|begin| own.get(begin..)).unwrap_or_default());
    fs::write(unpacked.join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), unpacked.join("Cargo.lock"))?;
    let mut check = command(&["check", "--quiet", "--package", "tenantry", "--all-features"]);
    run(check.arg("--manifest-path").arg(unpacked.join("Cargo.toml")).arg("--target-dir").arg(target))
}

fn same(one: &Path, other: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    ensure!(read(one)? == read(other)?, "{} is not what {} is", other.display(), one.display());
    Ok(())
}
