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
    fs::File,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// How often another port is tried when the first was taken in between.
const PORTS_MAX: usize = 20;
/// How often a server is asked whether it is there, and how long to wait in between: 20 s in all.
const POLLS_MAX: usize = 2000;
const POLL_EVERY: Duration = Duration::from_millis(10);

/// A Redis server of one's own, on 127.0.0.1. Its methods block: a test has nothing else to do meanwhile.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    running: Mutex<Option<Running>>,
}

/// How a server is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Asked to end (SIGTERM): it writes what it has to write.
    Ask,
    /// Killed in the middle of whatever it does (SIGKILL).
    Kill,
}

impl RedisServer {
    /// Starts a server. It keeps nothing on disk; `arguments` may say otherwise, such as `["--appendonly", "yes"]`.
    ///
    /// # Panics
    /// When no server can be started. The message says why.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(running) = Running::start(port, &arguments, directory.path()) {
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
        *running = Running::start(self.port, &self.arguments, self.directory.path());
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

/// The two processes of a running server.
#[derive(Debug)]
struct Running {
    server: Child,
    /// Reads from a pipe whose other end only this process has. When this process is gone, however it went, the
    /// reading ends and the watchdog kills the server. (A parent-death signal would come as soon as the *thread*
    /// ends that started the server: each test has a thread of its own.)
    watchdog: Child,
}

const WATCHDOG: &str = r#"read -r _; kill -9 "$1"; rm -rf "$2""#;

impl Running {
    /// `None`: the server ended before it answered; its port may have been taken.
    fn start(port: u16, arguments: &[String], directory: &Path) -> Option<Self> {
        let output = File::options().create(true).append(true).open(directory.join("log"));
        let output = output.unwrap_or_else(|error| panic!("no file for the server's output: {error}"));
        let errors = output.try_clone().unwrap_or_else(|error| panic!("no file for the server's errors: {error}"));
        let server = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(directory)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server cannot be run: install it ({error})"));
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh", &server.id().to_string()])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("sh cannot be run: {error}"));
        let mut running = Self { server, watchdog };
        let pid = format!("{}:", running.server.id());
        let ready = |line: &str| line.starts_with(&pid) && line.contains("Ready to accept connections");
        for _ in 0..POLLS_MAX {
            if !matches!(running.server.try_wait(), Ok(None)) {
                running.stop(Stop::Kill);
                return None;
            }
            // Its own word first: another server may have the port.
            if log(directory).lines().any(ready) && ask(port, &["PING"]).is_ok() {
                return Some(running);
            }
            thread::sleep(POLL_EVERY);
        }
        running.stop(Stop::Kill);
        None
    }

    fn stop(mut self, how: Stop) {
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
    fn signal(&self, signal: &str) {
        let pid = self.server.id().to_string();
        let status = Command::new("sh").args(["-c", r#"kill -"$1" "$2""#, "sh", signal, &pid]).status();
        assert!(status.is_ok_and(|status| status.success()), "the server could not be sent SIG{signal}");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.unwrap_or_else(|error| panic!("no free port: {error}")).port()
}

fn log(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap_or_else(|error| error.to_string())
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
