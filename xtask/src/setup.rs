//! What the tests need besides Rust.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::run;

/// Makes sure that `program` can be started, which Debian has in `package`.
pub(crate) fn program(program: &str, package: &str) -> Result<()> {
    if answers(program) {
        return Ok(());
    }
    let by_hand = format!("install it so that {program} is in the PATH (Debian: apt-get install {package})");
    if !Path::new("/etc/debian_version").exists() {
        bail!("{program} is missing: {by_hand}");
    }
    apt_get(&["update", "-q"])?;
    apt_get(&["install", "-y", "-q", package])?;
    if answers(program) { Ok(()) } else { bail!("{program} is still missing: {by_hand}") }
}

/// Installs Valkey where it can be had. The tests on it are skipped where not, and say so.
pub(crate) fn valkey() {
    const SERVER: &str = "valkey-server";
    if program(SERVER, SERVER).or_else(|_| backport(SERVER)).is_err() {
        eprintln!("xtask: {SERVER} cannot be installed: the tests on Valkey are SKIPPED (install it in the PATH)");
    }
}

/// From the backports of Debian 12, which has no Valkey itself; they stay out of the machine's own sources.
fn backport(package: &str) -> Result<()> {
    let list = std::env::temp_dir().join("tenantry-backports.list");
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={keys}] http://deb.debian.org/debian bookworm-backports main\n");
    std::fs::write(&list, source)?;
    let list = format!("Dir::Etc::SourceList={}", list.display());
    let only = ["-o", &list, "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Get::List-Cleanup=0", "-q"];
    apt_get(&[&only[..], &["update"]].concat())?;
    apt_get(&[&only[..], &["install", "-y", "-t", "bookworm-backports", package]].concat())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let sudo: &[&str] = if answers("sudo") && !is_root() { &["sudo"] } else { &[] };
    let words = [sudo, &["apt-get"], arguments].concat();
    run(Command::new(words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
