//! Real Redis servers for tests: started on a free port, stopped, frozen, brought back.
//!
//! The program `redis-server` must be in the path. A server ends with the value that stands for it and, should the
//! process be killed before that, with the process.
//!
//! ```no_run
//! use tenantry_testing::redis_server::RedisServer;
//!
//! let server = RedisServer::start(&[]);
//! println!("redis listens at {}", server.url());
//! ```

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tempfile::TempDir;

pub use crate::process::Stop;
use crate::process::{PORTS_MAX, Running, free_port, log, new_directory};

/// A Redis server of one's own, on 127.0.0.1. Its methods block: a test has nothing else to do meanwhile.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    running: Mutex<Option<Running>>,
}

impl RedisServer {
    /// Starts a server. It keeps nothing on disk; `arguments` may say otherwise, such as `["--appendonly", "yes"]`.
    ///
    /// # Panics
    /// When no server can be started. The message says why.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let directory = new_directory();
        let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(running) = run(port, &arguments, directory.path()) {
                return Self { port, arguments, directory, running: Mutex::new(Some(running)) };
            }
        }
        panic!("redis-server does not start: {}", log(directory.path()));
    }

    /// One server for all tests of this process; each should take a namespace of its own, and do the server no harm.
    ///
    /// # Panics
    /// When no server can be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1. It stays the same when the server is started again.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server and waits until it is gone. Nothing happens if it does not run.
    pub fn stop(&self, how: Stop) {
        if let Some(running) = self.running().take() {
            running.stop(how);
        }
    }

    /// Starts a stopped server anew, on the same port, with what it has on disk.
    ///
    /// # Panics
    /// When it runs, or does not start; if the port has been taken, for example.
    pub fn start_again(&self) {
        let mut running = self.running();
        assert!(running.is_none(), "stop the server before starting it again");
        *running = run(self.port, &self.arguments, self.directory.path());
        assert!(running.is_some(), "redis-server does not start again: {}", log(self.directory.path()));
    }

    /// Lets the server stand still (SIGSTOP): connections stay open, nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on (SIGCONT).
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Sends a command, given as its words, and returns Redis's answer as it came over the line.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn command(&self, words: &[&str]) -> String {
        ask(self.port, words).unwrap_or_else(|error| panic!("redis does not answer {words:?}: {error}"))
    }

    fn signal(&self, signal: &str) {
        match &*self.running() {
            Some(running) => running.signal(signal),
            None => panic!("the server does not run"),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop(Stop::Kill);
    }
}

/// `None`: the server ended before it answered; its port may have been taken.
fn run(port: u16, arguments: &[String], directory: &Path) -> Option<Running> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(directory)
        .args(arguments);
    Running::start(command, directory, |pid| {
        // Its own word first: another server may have the port.
        let pid = format!("{pid}:");
        let ready = |line: &str| line.starts_with(&pid) && line.contains("Ready to accept connections");
        log(directory).lines().any(ready) && ask(port, &["PING"]).is_ok()
    })
}

/// Sends one command on a connection of its own, and reads until the server has said everything.
fn ask(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut message = format!("*{}\r\n", words.len());
    for word in words {
        // Writing to a String cannot fail.
        let _ = write!(message, "${}\r\n{word}\r\n", word.len());
    }
    // QUIT lets the server close the connection after its answer, so that nobody has to parse its length.
    message += "*1\r\n$4\r\nQUIT\r\n";
    stream.write_all(message.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).trim_end_matches("+OK\r\n").to_owned())
}
