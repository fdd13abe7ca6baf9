//! The embedded store as a newcomer has it: in memory, or in one file whose every commit is on the disk (fsync) before
//! it is acknowledged.

use std::{fs, path::PathBuf};

use anyhow::Result;
use tempfile::TempDir;
use tenantry_embedded::EmbeddedStore;

use crate::table;

/// A file that is gone with the value.
pub(crate) struct StoreFile {
    path: PathBuf,
    _folder: TempDir,
}

impl StoreFile {
    /// A new store in a file under `target/bench`: a folder for temporary files may be no disk at all.
    pub(crate) fn create() -> Result<(Self, EmbeddedStore)> {
        let folder = tempfile::tempdir_in(table::folder()?)?;
        let path = folder.path().join("store");
        let store = EmbeddedStore::open(&path)?;
        Ok((Self { path, _folder: folder }, store))
    }

    /// How long the file is.
    pub(crate) fn bytes(&self) -> Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }
}
