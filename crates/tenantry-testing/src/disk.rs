//! A small disk that a test fills, and clears again.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::process::new_directory;

/// What fills the disk.
const FILLER: &str = "filler";

/// A small disk, in memory. It goes with the value.
#[derive(Debug)]
pub struct Disk(TempDir);

impl Disk {
    /// A disk of so many bytes, as `mount` writes them: `6m`. `None`: this user may not mount one, and a line on the
    /// standard error says so.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    #[must_use]
    pub fn of(size: &str) -> Option<Self> {
        let directory = new_directory();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], directory.path());
        if !mounted {
            // Not by `eprintln!`, which the test runner keeps for itself when a test passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: only root can mount a small disk");
            return None;
        }
        Some(Self(directory))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no room.
    ///
    /// # Panics
    /// When writing fails for another reason.
    pub fn fill(&self) {
        let file = OpenOptions::new().create(true).append(true).open(self.path().join(FILLER));
        let mut file: File = file.unwrap_or_else(|error| panic!("no file to fill the disk with: {error}"));
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
    }

    /// Takes away what [`fill`](Self::fill) has written.
    ///
    /// # Panics
    /// When it was never filled.
    pub fn clear(&self) {
        std::fs::remove_file(self.path().join(FILLER)).unwrap_or_else(|error| panic!("not filled: {error}"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn mount(arguments: &[&str], place: &Path) -> bool {
    let mount = Command::new("mount").args(arguments).arg(place).stderr(Stdio::null()).status();
    mount.is_ok_and(|status| status.success())
}
