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
    let sudo: &[&str] = if answers("sudo") && !is_root() { &["sudo"] } else { &[] };
    for step in [&["apt-get", "update", "-q"][..], &["apt-get", "install", "-y", "-q", package]] {
        let words = [sudo, step].concat();
        run(Command::new(words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    if answers(program) { Ok(()) } else { bail!("{program} is still missing: {by_hand}") }
}

fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
