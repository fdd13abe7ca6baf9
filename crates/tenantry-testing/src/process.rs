//! Servers as processes of their own, for the servers of this crate.

use std::{
    fs::File,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// How often another port is tried when the first was taken in between.
pub(crate) const PORTS_MAX: usize = 20;
/// How often a server is asked whether it is there, and how long to wait in between: 20 s in all.
const POLLS_MAX: usize = 2000;
const POLL_EVERY: Duration = Duration::from_millis(10);

/// How a server is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Asked to end (SIGTERM): it writes what it has to write.
    Ask,
    /// Killed in the middle of whatever it does (SIGKILL).
    Kill,
}

/// The two processes of a running server.
#[derive(Debug)]
pub(crate) struct Running {
    server: Child,
    /// Reads from a pipe whose other end only this process has. When this process is gone, however it went, the
    /// reading ends and the watchdog kills the server. (A parent-death signal would come as soon as the *thread*
    /// ends that started the server: each test has a thread of its own.)
    watchdog: Child,
}

const WATCHDOG: &str = r#"read -r _; kill -9 "$1"; rm -rf "$2""#;

impl Running {
    /// Starts the server that `command` runs, whose output goes to [`log`] in `directory`, and waits until it is
    /// `ready`, as seen by its number. `None`: it ended before; its port may have been taken.
    pub(crate) fn start(mut command: Command, directory: &Path, ready: impl Fn(u32) -> bool) -> Option<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = File::options().create(true).append(true).open(directory.join("log"));
        let output = output.unwrap_or_else(|error| panic!("no file for the server's output: {error}"));
        let errors = output.try_clone().unwrap_or_else(|error| panic!("no file for the server's errors: {error}"));
        let server = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be run: install it ({error})"));
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh", &server.id().to_string()])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("sh cannot be run: {error}"));
        let mut running = Self { server, watchdog };
        let id = running.server.id();
        for _ in 0..POLLS_MAX {
            if !matches!(running.server.try_wait(), Ok(None)) {
                running.stop(Stop::Kill);
                return None;
            }
            if ready(id) {
                return Some(running);
            }
            thread::sleep(POLL_EVERY);
        }
        running.stop(Stop::Kill);
        None
    }

    pub(crate) fn stop(mut self, how: Stop) {
        // The watchdog first, or it might kill a process that gets the server's number after it.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        if how == Stop::Ask {
            self.signal("TERM");
            for _ in 0..POLLS_MAX {
                if !matches!(self.server.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(POLL_EVERY);
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Through the shell's own `kill`, which is everywhere.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.server.id().to_string();
        let status = Command::new("sh").args(["-c", r#"kill -"$1" "$2""#, "sh", signal, &pid]).status();
        assert!(status.is_ok_and(|status| status.success()), "the server could not be sent SIG{signal}");
    }
}

pub(crate) fn new_directory() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.unwrap_or_else(|error| panic!("no free port: {error}")).port()
}

/// What the server in this directory has said.
pub(crate) fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap_or_else(|error| error.to_string())
}
