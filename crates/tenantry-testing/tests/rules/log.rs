//! What is written to the log while a test runs.

use std::{
    io::{self, Write},
    process::Command,
    sync::{Arc, Mutex, MutexGuard},
};

use tracing::{Level, subscriber::DefaultGuard};

/// Says that this process runs one test alone.
const ALONE: &str = "TENANTRY_TEST_ALONE";

/// Whether the test named `test` is to go on here. `false`: it has run in a process of its own, and passed.
///
/// tracing remembers for the whole process whether somebody wants a line: the tests beside this one would decide it.
pub(crate) fn runs_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let itself = std::env::current_exe().expect("the test is a program");
    let alone = Command::new(itself).args(["--exact", test]).env(ALONE, "1").output();
    let alone = alone.expect("the test can be started once more");
    let told = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&alone.stderr));
    false
}

/// Where a test's log lines go.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Takes all lines of this thread up to `level`, until the guard is dropped.
    pub(crate) fn listen(&self, level: Level) -> DefaultGuard {
        let to = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        tracing::subscriber::set_default(subscriber.with_writer(move || to.clone()).finish())
    }

    /// All of it until now.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).expect("it is text")
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().expect("nobody panics with the lock")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
