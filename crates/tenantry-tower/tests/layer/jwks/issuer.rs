//! An OpenID provider, which runs as a process of its own, answers as it is told to, and may be killed.
//!
//! Its program is this one, started again to run [`PROGRAM`] alone: there is nothing else to build. Its tokens are signed
//! here, for whoever verifies them cannot tell; so there are new ones also while it cannot be reached.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};
use tenantry_tower::jwt::{Issuer, Jwks, Keys};
use tokio::net::TcpSocket;

use super::{
    keys::IssuerKey,
    process::{self, Answering, SAYS, Settings, reserve},
};
use crate::support::{AUDIENCE, TestClock, eventually};

/// The test that is an issuer if this variable is set.
const PROGRAM: &str = "jwks::issuer::an_issuer_is_a_process_of_its_own_and_does_not_outlive_the_tests";
const IS_ISSUER: &str = "TENANTRY_TEST_IS_ISSUER";

/// Its methods block: a test has nothing else to do meanwhile.
pub(super) struct TestIssuer {
    /// Keeps the port for it while it does not run.
    _port: TcpSocket,
    settings: Mutex<Settings>,
    signing: Mutex<IssuerKey>,
    process: Mutex<Option<Process>>,
}

/// Killed (SIGKILL) when it is dropped.
struct Process {
    child: Child,
    told: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Process {
    fn start(settings: &Settings) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", PROGRAM, "--nocapture"])
            .env(IS_ISSUER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, says) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut process = Self { child, told, says };
        assert_eq!(process.tell(&serde_json::to_string(settings).unwrap()), 0);
        process
    }

    /// Waits until it has heard `line`: how often the keys were asked for.
    fn tell(&mut self, line: &str) -> usize {
        writeln!(self.told.as_mut().unwrap(), "{line}").unwrap();
        loop {
            let mut said = String::new();
            assert_ne!(self.says.read_line(&mut said).unwrap(), 0, "the issuer is gone");
            if let Some(count) = said.strip_prefix(SAYS) {
                return count.trim_end().parse().unwrap();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl TestIssuer {
    /// Publishes `key` and signs with it.
    pub(super) fn start(key: &IssuerKey) -> Self {
        Self::start_as(key, false)
    }

    /// The same over HTTPS, as `localhost` and by no other name.
    pub(super) fn start_encrypted(key: &IssuerKey) -> Self {
        Self::start_as(key, true)
    }

    fn start_as(key: &IssuerKey, is_encrypted: bool) -> Self {
        let port = reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let settings = Settings {
            address: port.local_addr().unwrap(),
            is_encrypted,
            keys: vec![key.jwk.clone()],
            answering: Answering::Well,
            cache_control: None,
            configuration: Value::Null,
        };
        let issuer = Self {
            _port: port,
            settings: Mutex::new(settings),
            signing: Mutex::new(key.clone()),
            process: Mutex::default(),
        };
        let name = issuer.name();
        issuer.set(|settings| settings.configuration = json!({ "issuer": name, "jwks_uri": format!("{name}/keys") }));
        issuer.restart();
        issuer
    }

    /// Nobody listens any more: it is killed, whatever it does.
    pub(super) fn stop(&self) {
        drop(self.process.lock().unwrap().take().unwrap());
    }

    /// A new process, on the same port, that answers as the last one was told to and in the meantime.
    pub(super) fn restart(&self) {
        let started = Process::start(&self.settings.lock().unwrap());
        assert!(self.process.lock().unwrap().replace(started).is_none(), "it runs");
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.settings.lock().unwrap().address
    }

    /// What its tokens say, and its URL.
    pub(super) fn name(&self) -> String {
        let settings = self.settings.lock().unwrap();
        if settings.is_encrypted {
            format!("https://localhost:{}", settings.address.port())
        } else {
            format!("http://{}", settings.address)
        }
    }

    /// Its keys, where it publishes them.
    pub(super) fn jwks(&self) -> Jwks {
        Jwks::at(&format!("{}/keys", self.name()))
    }

    /// As a verifier is told of it whose `keys` these are.
    pub(super) fn with(&self, keys: impl Into<Keys>) -> Issuer {
        Issuer::new(self.name(), keys).audience(AUDIENCE)
    }

    /// The same, its keys discovered.
    pub(super) fn discovered(&self) -> Issuer {
        self.with(Jwks::discover())
    }

    pub(super) fn publish<'a>(&self, keys: impl IntoIterator<Item = &'a IssuerKey>) {
        self.publish_raw(keys.into_iter().map(|key| key.jwk.clone()).collect());
    }

    pub(super) fn publish_raw(&self, keys: Vec<Value>) {
        self.set(|settings| settings.keys = keys);
    }

    pub(super) fn sign_by(&self, key: &IssuerKey) {
        *self.signing.lock().unwrap() = key.clone();
    }

    /// A token of `user`, signed by the key that is in use now.
    pub(super) fn token(&self, user: &str, clock: &TestClock) -> String {
        let key = self.signing.lock().unwrap().clone();
        key.sign(&self.name(), user, clock)
    }

    pub(super) fn answer(&self, answering: Answering) {
        self.set(|settings| settings.answering = answering);
    }

    pub(super) fn cache_control(&self, value: Option<&str>) {
        self.set(|settings| settings.cache_control = value.map(str::to_owned));
    }

    /// Changes a member of the OpenID configuration.
    pub(super) fn configure(&self, member: &str, value: impl Into<Value>) {
        self.set(|settings| settings.configuration[member] = value.into());
    }

    /// How often the keys were asked for since it was last started.
    pub(super) fn fetches(&self) -> usize {
        self.process.lock().unwrap().as_mut().unwrap().tell("")
    }

    /// From now on, if it runs, or else from when it does.
    fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.lock().unwrap();
        change(&mut settings);
        if let Some(process) = &mut *self.process.lock().unwrap() {
            process.tell(&serde_json::to_string(&*settings).unwrap());
        }
    }
}

#[tokio::test]
async fn an_issuer_is_a_process_of_its_own_and_does_not_outlive_the_tests() {
    if std::env::var_os(IS_ISSUER).is_some() {
        // A runtime of its own cannot be within this one.
        return std::thread::spawn(process::run).join().unwrap();
    }
    let issuer = TestIssuer::start(&IssuerKey::new("key"));
    assert!(TcpStream::connect(issuer.address()).is_ok());
    issuer.stop();
    assert!(TcpStream::connect(issuer.address()).is_err(), "nobody else serves in its place");
    issuer.restart();
    // As when this process ends, however that comes.
    issuer.process.lock().unwrap().as_mut().unwrap().told = None;
    let is_gone = || issuer.process.lock().unwrap().as_mut().unwrap().child.try_wait().unwrap().is_some();
    eventually("it ends by itself", async || is_gone()).await;
    assert!(TcpStream::connect(issuer.address()).is_err());
}
