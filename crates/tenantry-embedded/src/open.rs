//! Opening a database, and why that may fail.

use std::{
    cmp::Ordering,
    fmt, io,
    path::{Path, PathBuf},
};

use redb::{Builder, Database, DatabaseError, ReadableTable, StorageError, backends::InMemoryBackend};

use crate::tables::{FORMAT, FORMAT_KEY, FORMAT_VERSION, Tables};

/// How much of the file redb keeps in memory. Its own default of 1 GiB is more than a small node has to spare.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub struct OpenError {
    kind: OpenErrorKind,
    place: Place,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a store could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// Another process, or another store of this process, has the file open.
    Locked,
    /// The file cannot be made, read or written, or is damaged; or the writer thread could not be started.
    Unreadable,
    /// The file is no store, or one of an older version of Tenantry that this one cannot read.
    Format,
    /// The file was written by a newer version of Tenantry.
    Newer,
}

/// What was to be opened.
#[derive(Debug)]
enum Place {
    Memory,
    File(PathBuf),
}

impl OpenError {
    /// Why the store could not be opened.
    #[must_use]
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    fn new(kind: OpenErrorKind, path: Option<&Path>, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, place: path.map_or(Place::Memory, |path| Place::File(path.to_owned())), source }
    }

    /// Something between the program and the disk.
    pub(crate) fn unreadable(path: Option<&Path>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(OpenErrorKind::Unreadable, path, Some(Box::new(source)))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory => f.write_str("the store in memory could not be opened")?,
            Place::File(path) => write!(f, "the store {} could not be opened", path.display())?,
        }
        f.write_str(match self.kind {
            OpenErrorKind::Locked => ": it is open already: end the other process, or give this one a file of its own",
            OpenErrorKind::Unreadable => ": check that the directory exists, is writable and has room",
            OpenErrorKind::Format => {
                ": it is no store of this version of tenantry: name another file, or run the version that wrote it"
            }
            OpenErrorKind::Newer => ": it was written by a newer version of tenantry: run that version, or a newer one",
        })?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}

/// Opens the file at `path`, or memory, and makes what is not there yet.
pub(crate) fn open(path: Option<&Path>) -> Result<Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let database = match path {
        Some(path) => builder.create(path),
        None => builder.create_with_backend(InMemoryBackend::new()),
    };
    let database = database.map_err(|error| {
        let kind = match &error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenErrorKind::Locked,
            DatabaseError::UpgradeRequired(_) => OpenErrorKind::Format,
            // This is how redb says that the file does not begin as its files do.
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                OpenErrorKind::Format
            }
            _ => OpenErrorKind::Unreadable,
        };
        OpenError::new(kind, path, Some(Box::new(error)))
    })?;
    match prepare(&database).map_err(|error| OpenError::unreadable(path, error))?.cmp(&FORMAT_VERSION) {
        Ordering::Equal => {}
        Ordering::Less => return Err(OpenError::new(OpenErrorKind::Format, path, None)),
        Ordering::Greater => return Err(OpenError::new(OpenErrorKind::Newer, path, None)),
    }
    if let Some(path) = path {
        sync_directory(path).map_err(|error| OpenError::unreadable(Some(path), error))?;
    }
    Ok(database)
}

/// Makes the tables of an empty database. Returns the format's version.
fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    // A redb file with tables in it that has no such version belongs to another program.
    let empty = transaction.list_tables()?.next().is_none();
    let version = {
        let mut format = transaction.open_table(FORMAT)?;
        if empty {
            format.insert(FORMAT_KEY, FORMAT_VERSION)?;
        }
        let version = format.get(FORMAT_KEY)?;
        version.map_or(0, |version| version.value())
    };
    if version == FORMAT_VERSION {
        drop(Tables::open(&transaction)?);
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(version)
}

/// A file that was just made survives a power cut only once its directory is synced, too.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
