//! Real SMTP servers for tests, which keep the mail that they take.
//!
//! The program `aiosmtpd` must be in the path (Debian: `python3-aiosmtpd`). The mailbox of `nobody@…` does not exist,
//! and that of `full@…` is full; every other address is taken. Who signs in is `acme`, with the password `s3cret/@`.
//!
//! ```no_run
//! use tenantry_testing::smtp_server::{Security, SmtpServer};
//!
//! let server = SmtpServer::start(Security::None);
//! println!("mail to 127.0.0.1:{} is kept: {:?}", server.port(), server.mails());
//! ```

use std::{net::TcpStream, path::Path, process::Command};

use tempfile::TempDir;

use crate::process::{PORTS_MAX, Running, Stop, free_port, log, new_directory};

/// The certificate that the server shows, of `localhost` and no other name. It is its own authority, and with its key beside it protects
/// nothing.
pub const CERTIFICATE: &str = include_str!("localhost.pem");

/// An SMTP server of one's own, on 127.0.0.1. Its methods block: a test has nothing else to do meanwhile.
#[derive(Debug)]
pub struct SmtpServer {
    port: u16,
    directory: TempDir,
    running: Option<Running>,
}

/// How the way to a server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// By STARTTLS, without which it takes nothing. Only there one can sign in.
    StartTls,
    /// By TLS from the beginning.
    Tls,
}

impl SmtpServer {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// When no server can be started. The message says why.
    #[must_use]
    pub fn start(security: Security) -> Self {
        let mut last = None;
        for _ in 0..PORTS_MAX {
            let server = Self::start_at(free_port(), security);
            if server.running.is_some() {
                return server;
            }
            last = Some(server);
        }
        panic!("aiosmtpd does not start: {}", last.map(|server| log(server.directory.path())).unwrap_or_default());
    }

    /// Finds a port on which there is no server, for one that is started later on.
    #[must_use]
    pub fn free_port() -> u16 {
        free_port()
    }

    /// Starts a server on that port.
    ///
    /// # Panics
    /// When it does not start; if the port has been taken, for example.
    #[must_use]
    pub fn start_on(port: u16, security: Security) -> Self {
        let server = Self::start_at(port, security);
        assert!(server.running.is_some(), "aiosmtpd does not start: {}", log(server.directory.path()));
        server
    }

    fn start_at(port: u16, security: Security) -> Self {
        let directory = new_directory();
        let running = run(port, security, directory.path());
        Self { port, directory, running }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The mails that it has taken so far, each as it came over the line, behind headers that tell its envelope
    /// (`X-MailFrom`, `X-RcptTo`). In no particular order.
    ///
    /// # Panics
    /// When they cannot be read.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        let taken = std::fs::read_dir(self.directory.path().join("mails/new"));
        let taken = taken.unwrap_or_else(|error| panic!("no mails: {error}"));
        let read = |path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("a mail is no text: {error}"));
        taken.filter_map(Result::ok).map(|entry| read(entry.path())).collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Stop::Kill);
        }
    }
}

/// `None`: the server ended before it answered; its port may have been taken.
fn run(port: u16, security: Security, directory: &Path) -> Option<Running> {
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{name} cannot be written: {error}"));
        path
    };
    write("letterbox.py", include_str!("letterbox.py"));
    let certificate = write("localhost.pem", CERTIFICATE);
    let key = write("localhost-private.pem", include_str!("localhost-private.pem"));
    let mut command = Command::new("aiosmtpd");
    command.args(["-n", "-d", "-c", "letterbox.Letterbox", "-l", &format!("127.0.0.1:{port}")]);
    let options = match security {
        Security::None => None,
        Security::StartTls => Some(["--tlscert", "--tlskey"]),
        Security::Tls => Some(["--smtpscert", "--smtpskey"]),
    };
    if let Some([for_certificate, for_key]) = options {
        command.arg(for_certificate).arg(certificate).arg(for_key).arg(key);
    }
    command.arg(directory.join("mails")).env("PYTHONPATH", directory).env("PYTHONDONTWRITEBYTECODE", "1");
    Running::start(command, directory, |_| {
        log(directory).contains("Server is listening") && TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
}
