//! Commits that wait for replicas.

use std::{fmt, time::Duration};

use deadpool::managed::{self, Metrics, Pool, PoolError, RecycleError, RecycleResult};
use redis::RedisError;
use tenantry_core::store::Unavailable;

use crate::{
    failure::Failure,
    node::Commit,
    options::Options,
    script::Reply,
    server::{Connected, Server},
};

/// Connections to one server, of which each belongs to one commit at a time: `WAIT` speaks of what *this* connection
/// has written, and lets nobody else through meanwhile.
///
/// The pool of deadpool-redis without its manager, which sends a `PING` and waits for it whenever a connection is taken.
/// Here a connection says by itself that the server has closed it.
pub(crate) struct Confirmed {
    server: Server,
    replicas: u32,
    /// For the script, and for the replicas.
    response_timeout: Duration,
    pool: Pool<Manager>,
}

/// Makes the connections of a pool.
struct Manager {
    server: Server,
    connect_timeout: Duration,
    /// `WAIT` takes the response timeout by itself.
    overall_timeout: Duration,
}

/// A connection, and whether its last commit was carried through to the end.
struct Own {
    connected: Connected,
    clean: bool,
}

impl managed::Manager for Manager {
    type Type = Own;
    type Error = RedisError;

    async fn create(&self) -> Result<Own, RedisError> {
        let connected = self.server.connect_shared(self.connect_timeout, self.overall_timeout).await?;
        Ok(Own { connected, clean: true })
    }

    async fn recycle(&self, own: &mut Own, _: &Metrics) -> RecycleResult<RedisError> {
        let useful = own.clean && own.connected.is_useful();
        if useful { Ok(()) } else { Err(RecycleError::message("something went wrong on it")) }
    }
}

impl Confirmed {
    pub(crate) fn new(server: Server, options: &Options) -> Self {
        let manager = Manager {
            server: server.clone(),
            connect_timeout: options.connect_timeout,
            overall_timeout: options.overall_timeout,
        };
        // No time-outs of its own: connecting has one, and whoever waits is given up by that of the whole call.
        let pool = Pool::builder(manager).max_size(options.pool_size).build();
        let pool = pool.expect("building fails only for time-outs without a runtime, and there are none");
        Self { server, replicas: options.wait_replicas, response_timeout: options.response_timeout, pool }
    }

    /// Runs the script and waits until enough replicas have what it wrote.
    pub(crate) async fn run(&self, commit: &Commit<'_>, asking: bool) -> Result<Reply, Failure> {
        let mut own = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Failure::NotAsked(error),
            error => Failure::Unconfirmed(Unavailable::new(error)),
        })?;
        // Should this be given up half-way, nobody takes the connection again.
        own.clean = false;
        let reply = commit.send(&mut own.connected, asking).await?;
        let confirmed = if reply.is_applied() { self.wait(&mut own.connected).await? } else { self.replicas };
        own.clean = true;
        if confirmed >= self.replicas {
            return Ok(reply);
        }
        let (wanted, limit_ms) = (self.replicas, self.limit_ms());
        let mend = "bring the replicas back";
        Err(unconfirmed(format!("{confirmed} of {wanted} replicas have it after {limit_ms} ms: {mend}")))
    }

    /// Forgets the connections that nobody uses at the moment.
    pub(crate) fn abandon(&self) {
        self.pool.retain(|_, _| false);
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
}

fn unconfirmed(reason: impl fmt::Display) -> Failure {
    let reason = format_args!("the change is applied on the primary, but not confirmed: {reason}");
    Failure::Unconfirmed(Unavailable::new(reason))
}
