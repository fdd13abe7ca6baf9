//! Real Redis servers for tests: started on a free port, stopped, frozen, brought back.
//!
//! The programs `redis-server` and, for clusters, `redis-cli` must be in the path. A server ends with the value that stands for it and, should the
//! process be killed before that, with the process.
//!
//! ```no_run
//! use tenantry_testing::redis_server::RedisServer;
//!
//! let server = RedisServer::start(&[]);
//! println!("a store connects to {}", server.store_url());
//! ```

mod cluster;
mod sentinels;

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::{Ipv4Addr, Shutdown, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;

pub use self::{cluster::RedisCluster, sentinels::RedisSentinels};
pub use crate::process::Stop;
use crate::process::{PORTS_MAX, Running, free_port, log, new_directory};

const REDIS: &str = "redis-server";
const VALKEY: &str = "valkey-server";
/// How often several servers are asked whether they are what they must become, and how long to wait in between: 60 s
/// in all.
const POLLS_MAX: usize = 3000;
const POLL_EVERY: Duration = Duration::from_millis(20);

/// The file of the certificate that an encrypted server shows, and wants to see. It is its own authority, and with its
/// key beside it protects nothing.
pub const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redis_server/localhost.pem");
/// The file of the private key of [`CERTIFICATE`].
pub const PRIVATE_KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redis_server/localhost-private.pem");
/// The users of every server here, besides the default one, who may do everything: what a deployment is given.
const USERS: &str = include_str!("users.acl");
/// The user that stores have on these servers, and the password.
pub const USER: (&str, &str) = ("tenantry", "change-me");
/// The namespace of that user. Those of tests are this, or this, a hyphen and something more.
pub const NAMESPACE: &str = "tenantry";

/// A Redis server of one's own, on 127.0.0.1 unless it is one of several that are [apart](RedisSentinels::apart). Its
/// methods block: a test has nothing else to do meanwhile.
#[derive(Debug)]
pub struct RedisServer {
    program: &'static str,
    address: Ipv4Addr,
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    running: Mutex<Option<Running>>,
    frozen: AtomicBool,
    /// Where it listens for TLS.
    encrypted_port: Option<u16>,
}

impl RedisServer {
    /// Starts a server. It keeps nothing on disk; `arguments` may say otherwise, such as `["--appendonly", "yes"]`.
    ///
    /// # Panics
    /// When no server can be started. The message says why.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_program(REDIS, Ipv4Addr::LOCALHOST, arguments)
    }

    fn start_program(program: &'static str, address: Ipv4Addr, arguments: &[&str]) -> Self {
        let directory = new_directory();
        // One user for the namespaces of all tests.
        let users = USERS
            .replace("~tenantry:*", "~tenantry:* ~tenantry-*:*")
            .replace("&tenantry:*", "&tenantry:* &tenantry-*:*");
        let users = write(&directory, "users.acl", &users);
        let data = ["--aclfile", &users, "--save", "", "--appendonly", "no"];
        Self::start_in(program, address, directory, [&data[..], arguments].concat())
    }

    /// Starts a Valkey server, as [`start`](Self::start) does. `None`: `valkey-server` is not installed, and a line on
    /// the standard error says so.
    ///
    /// # Panics
    /// When it is, and does not start.
    #[must_use]
    pub fn start_valkey(arguments: &[&str]) -> Option<Self> {
        if Command::new(VALKEY).arg("--version").output().is_err() {
            // Not by `eprintln!`, which the test runner keeps for itself when a test passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {VALKEY} is not installed (Debian 12: bookworm-backports)");
            return None;
        }
        Some(Self::start_program(VALKEY, Ipv4Addr::LOCALHOST, arguments))
    }

    /// Starts a server that also listens for TLS, and there wants to see the certificate that it shows itself: that of
    /// `localhost`, and no other name.
    ///
    /// # Panics
    /// When no server can be started.
    #[must_use]
    pub fn start_encrypted(arguments: &[&str]) -> Self {
        let port = free_port();
        let files = ["--tls-cert-file", CERTIFICATE, "--tls-key-file", PRIVATE_KEY, "--tls-ca-cert-file", CERTIFICATE];
        let mut server = Self::start(&[&["--tls-port", &port.to_string()][..], &files, arguments].concat());
        server.encrypted_port = Some(port);
        server
    }

    /// A sentinel, which watches over nobody yet.
    fn start_sentinel(address: Ipv4Addr) -> Self {
        let directory = new_directory();
        // It writes there what it is told and what it finds out.
        let file = write(&directory, "sentinel.conf", "");
        Self::start_in(REDIS, address, directory, vec![&file, "--sentinel"])
    }

    fn start_in(program: &'static str, address: Ipv4Addr, directory: TempDir, arguments: Vec<&str>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(running) = run(program, address, port, &arguments, directory.path()) {
                let (running, frozen) = (Mutex::new(Some(running)), AtomicBool::new(false));
                return Self { program, address, port, arguments, directory, running, frozen, encrypted_port: None };
            }
        }
        panic!("{program} does not start: {}", log(directory.path()));
    }

    /// One server for all tests of this process; each should take a namespace of its own, and do the server no harm.
    ///
    /// # Panics
    /// When no server can be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Where clients find it, as the default user, who may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}:{}", self.address, self.port)
    }

    /// Where a store finds it, as the user that it has in a deployment (`deploy/redis/users.acl`). Its namespace must
    /// begin with [`NAMESPACE`].
    #[must_use]
    pub fn store_url(&self) -> String {
        format!("redis://{}{}:{}", login(), self.address, self.port)
    }

    /// The same of a server that was started encrypted: `localhost` and a port, to be put behind a scheme.
    ///
    /// # Panics
    /// When it is not encrypted.
    #[must_use]
    pub fn encrypted_place(&self) -> String {
        let port = self.encrypted_port.unwrap_or_else(|| panic!("the server does not listen for TLS"));
        format!("{}localhost:{port}", login())
    }

    /// The address: 127.0.0.1, unless it is one of several that are [apart](RedisSentinels::apart).
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The port on its address. It stays the same when the server is started again.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its files, unless its arguments say otherwise.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops the server and waits until it is gone. Nothing happens if it does not run.
    pub fn stop(&self, how: Stop) {
        if let Some(running) = self.running().take() {
            running.stop(how);
        }
        self.frozen.store(false, Ordering::Release);
    }

    /// Starts a stopped server anew, on the same port, with what it has on disk.
    ///
    /// # Panics
    /// When it runs, or does not start; if the port has been taken, for example.
    pub fn start_again(&self) {
        let mut running = self.running();
        assert!(running.is_none(), "stop the server before starting it again");
        *running = run(self.program, self.address, self.port, &self.arguments, self.directory.path());
        assert!(running.is_some(), "{} does not start again: {}", self.program, log(self.directory.path()));
    }

    /// Lets the server stand still (SIGSTOP): connections stay open, nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.signal("STOP");
        self.frozen.store(true, Ordering::Release);
    }

    /// Lets a frozen server go on (SIGCONT).
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.signal("CONT");
        self.frozen.store(false, Ordering::Release);
    }

    /// Sends a command, given as its words, and returns Redis's answer as it came over the line.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap_or_else(|error| panic!("redis does not answer {words:?}: {error}"))
    }

    /// Sends many commands, one a line, and returns the answers as `redis-cli` prints them. None must be refused.
    fn commands(&self, lines: &str) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", &self.address.to_string(), "-p", &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = cli.spawn().unwrap_or_else(|error| panic!("redis-cli cannot be run: install it ({error})"));
        let mut stdin = running.stdin.take().unwrap_or_else(|| panic!("it was given a pipe"));
        let lines = lines.to_owned();
        // It answers while it reads: whoever writes all first fills both pipes.
        let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = running.wait_with_output();
        let output = output.unwrap_or_else(|error| panic!("redis-cli does not end: {error}"));
        let written = writing.join().unwrap_or_else(|_| panic!("nothing in it panics"));
        let answers = String::from_utf8_lossy(&output.stdout).into_owned();
        let refused: Vec<_> =
            answers.lines().filter(|line| line.starts_with("ERR") || line.starts_with("(error)")).collect();
        assert!(written.is_ok() && refused.is_empty(), "refused: {refused:?}");
        answers
    }

    /// Sends a command that must not be refused.
    fn must(&self, words: &[&str]) {
        let answer = self.command(words);
        assert!(!answer.starts_with('-'), "{words:?}: {answer}");
    }

    fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        ask(self.address, self.port, words)
    }

    /// Whether it runs, and does not stand still.
    fn is_up(&self) -> bool {
        self.running().is_some() && !self.frozen.load(Ordering::Acquire)
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

/// How the URLs of stores begin, after the scheme.
fn login() -> String {
    let (name, password) = USER;
    format!("{name}:{password}@")
}

/// The path of a new file.
fn write(directory: &TempDir, name: &str, text: &str) -> String {
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
    file.to_string_lossy().into_owned()
}

/// `None`: the server ended before it answered; its port may have been taken.
fn run(program: &str, address: Ipv4Addr, port: u16, arguments: &[String], directory: &Path) -> Option<Running> {
    let mut command = Command::new(program);
    // A sentinel's file comes first.
    let (file, rest) = arguments.split_at(usize::from(arguments.first().is_some_and(|first| !first.starts_with('-'))));
    command.args(file).args(["--port", &port.to_string(), "--bind", &address.to_string(), "--daemonize", "no"]);
    command.arg("--dir").arg(directory).args(rest);
    if address != Ipv4Addr::LOCALHOST {
        // It calls others from its own address, and answers whoever calls it from another of this machine.
        command.args(["--bind-source-addr", &address.to_string(), "--protected-mode", "no"]);
    }
    Running::start(command, directory, |pid| {
        // Its own word first: another server may have the port.
        let pid = format!("{pid}:");
        let ready =
            |line: &str| line.starts_with(&pid) && (line.contains("Ready to accept") || line.contains("Sentinel ID"));
        log(directory).lines().any(ready) && ask(address, port, &["PING"]).is_ok()
    })
}

/// Sends one command on a connection of its own, and reads until the server has said everything.
fn ask(address: Ipv4Addr, port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((address, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut message = format!("*{}\r\n", words.len());
    for word in words {
        // Writing to a String cannot fail.
        let _ = write!(message, "${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(message.as_bytes())?;
    // The server closes the connection after its answer, so that nobody has to parse its length. (A sentinel knows no
    // QUIT.)
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
