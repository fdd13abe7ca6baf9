//! Commits that wait for replicas.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tenantry_core::store::Unavailable;
use tokio::sync::Semaphore;

use crate::{
    node::{Commit, Failure},
    options::Options,
    script::Reply,
    server::{Connected, Server},
};

/// Connections to one server, of which each belongs to one commit at a time: `WAIT` speaks of what *this* connection
/// has written, and lets nobody else through meanwhile.
///
/// Not deadpool-redis, which sends a `PING` and waits for it whenever a connection is taken. Here a connection on which
/// something went wrong, or whose commit was given up half-way, never comes back; and one that the server closed
/// says so by itself.
pub(crate) struct Confirmed {
    server: Server,
    replicas: u32,
    connect_timeout: Duration,
    /// For the script, and for the replicas.
    response_timeout: Duration,
    overall_timeout: Duration,
    /// As many as there may be connections.
    permits: Semaphore,
    idle: Mutex<Vec<Connected>>,
}

impl Confirmed {
    pub(crate) fn new(server: Server, options: &Options) -> Self {
        Self {
            server,
            replicas: options.wait_replicas,
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
            overall_timeout: options.overall_timeout,
            permits: Semaphore::new(options.pool_size),
            idle: Mutex::default(),
        }
    }

    /// Runs the script and waits until enough replicas have what it wrote.
    pub(crate) async fn run(&self, commit: &Commit<'_>, asking: bool) -> Result<Reply, Failure> {
        let closed = |_| Failure::Unconfirmed(Unavailable::new("the store is closed"));
        // Whoever waits here is given up by the timeout of the whole call.
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let mut connected = self.connected().await?;
        let reply = commit.send(&mut connected, asking).await?;
        let confirmed = if reply.is_applied() { self.wait(&mut connected).await? } else { self.replicas };
        self.idle().push(connected);
        if confirmed >= self.replicas {
            return Ok(reply);
        }
        let (wanted, limit_ms) = (self.replicas, self.limit_ms());
        let mend = "bring the replicas back";
        Err(unconfirmed(format!("{confirmed} of {wanted} replicas have it after {limit_ms} ms: {mend}")))
    }

    /// Forgets the connections that nobody uses at the moment.
    pub(crate) fn abandon(&self) {
        self.idle().clear();
    }

    async fn connected(&self) -> Result<Connected, Failure> {
        while let Some(connected) = { self.idle().pop() } {
            if connected.is_useful() {
                return Ok(connected);
            }
        }
        // WAIT takes the response timeout by itself.
        let connected = self.server.connect_shared(self.connect_timeout, self.overall_timeout).await;
        connected.map_err(Failure::NotAsked)
    }

    /// How many replicas have what this connection wrote.
    async fn wait(&self, connected: &mut Connected) -> Result<u32, Failure> {
        let wait = redis::cmd("WAIT").arg(self.replicas).arg(self.limit_ms()).to_owned();
        let confirmed = wait.query_async(&mut connected.connection).await;
        confirmed.map_err(|error| unconfirmed(self.server.describe(&error)))
    }

    fn limit_ms(&self) -> u64 {
        u64::try_from(self.response_timeout.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connected>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unconfirmed(reason: impl fmt::Display) -> Failure {
    let reason = format_args!("the change is applied on the primary, but not confirmed: {reason}");
    Failure::Unconfirmed(Unavailable::new(reason))
}
