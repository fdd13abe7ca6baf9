//! What the tests need besides Rust.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::run;

const BY_HAND: &str = "install Redis 7 or newer so that redis-server is in the PATH \
    (macOS: brew install redis; Fedora: dnf install redis; Arch: pacman -S redis; Debian: apt-get install redis-server)";

/// Makes sure that `redis-server` can be started.
pub(crate) fn redis_server() -> Result<()> {
    if answers("redis-server") {
        return Ok(());
    }
    if !Path::new("/etc/debian_version").exists() {
        bail!("redis-server is missing: {BY_HAND}");
    }
    let sudo: &[&str] = if answers("sudo") && !is_root() { &["sudo"] } else { &[] };
    // Debian starts a server of its own after the installation; the tests start theirs on other ports.
    for step in [&["apt-get", "update", "-q"][..], &["apt-get", "install", "-y", "-q", "redis-server"]] {
        let words = [sudo, step].concat();
        run(Command::new(words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    if answers("redis-server") { Ok(()) } else { bail!("redis-server is still missing: {BY_HAND}") }
}

fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
