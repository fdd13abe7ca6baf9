//! The open database, which is opened anew when the disk has failed.
//!
//! redb does nothing more with a file once reading or writing it has failed, be it that the disk was full for a moment.
//! So the writer then closes it and opens it again. Until that succeeds, readers and writers hear that the store is
//! unavailable.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use redb::{Database, ReadableDatabase};
use tenantry_core::{
    store::Unavailable,
    values::clock::{Clock as _, SystemClock},
};

use crate::{
    open::{OpenError, open},
    tables::{BATCH_KEY, FORMAT},
};

/// The database of one store.
pub(crate) struct Handle {
    /// `None`: it is in memory, and nothing fails.
    path: Option<PathBuf>,
    current: RwLock<Option<Database>>,
    /// When it was last tried to open the file again.
    tried: Mutex<Option<Duration>>,
}

/// How long to wait before a file that cannot be opened is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl Handle {
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, OpenError> {
        let database = open(path.as_deref())?;
        Ok(Self { path, current: RwLock::new(Some(database)), tried: Mutex::default() })
    }

    /// Does something with the database, if it is open.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Unavailable> {
        if self.current().is_none() && self.is_worth_a_try() {
            self.reopen();
        }
        match &*self.current() {
            Some(database) => work(database).map_err(|error| unreadable(&error)),
            None => Err(closed()),
        }
    }

    /// Not by each of a thousand readers.
    fn is_worth_a_try(&self) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemClock.elapsed();
        let is_due = tried.is_none_or(|tried| now.saturating_sub(tried) >= RETRY_AFTER);
        if is_due {
            *tried = Some(now);
        }
        is_due
    }

    pub(crate) fn current(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the file, and opens it again if that works. Readers wait meanwhile.
    pub(crate) fn reopen(&self) {
        let Some(path) = &self.path else { return };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // The file is locked as long as it is open.
        *current = None;
        *current = open(Some(path)).inspect_err(|error| tracing::debug!(%error, "the store stays closed")).ok();
    }

    /// The number of the last batch that the file has.
    pub(crate) fn last_batch(&self) -> Result<u64, Unavailable> {
        self.with(|database| {
            let format = database.begin_read()?.open_table(FORMAT)?;
            Ok(format.get(BATCH_KEY)?.map_or(0, |batch| batch.value()))
        })
    }
}

pub(crate) fn closed() -> Unavailable {
    Unavailable::new("the database is closed since its disk failed, and is opened again as soon as that works")
}

fn unreadable(error: &redb::Error) -> Unavailable {
    Unavailable::new(format_args!("the database cannot be read: {error}"))
}
