//! Commits that wait for replicas.

use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, RedisError};
use tenantry_core::store::Unavailable;

use crate::{
    link::Server,
    options::{ConnectError, Options},
    script::{Invocation, Reply, is_unknown_script},
};

/// Connections of which each belongs to one commit at a time: `WAIT` speaks of what *this* connection has written,
/// and lets nobody else through meanwhile.
pub(crate) struct Confirmed {
    server: Server,
    options: Options,
    pool: Pool,
}

impl Confirmed {
    pub(crate) fn new(server: &Server, options: &Options) -> Result<Self, ConnectError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            // WAIT takes the response timeout by itself.
            .set_response_timeout(Some(options.overall_timeout));
        let failed = |error: RedisError| ConnectError::unreachable(&server.address, server.describe(&error));
        let manager = Manager::new_with_config(server.info().clone(), config).map_err(failed)?;
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .wait_timeout(Some(options.overall_timeout))
            .create_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.response_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ConnectError::unreachable(&server.address, error))?;
        Ok(Self { server: server.clone(), options: options.clone(), pool })
    }

    /// Runs the script and waits until enough replicas have what it wrote.
    pub(crate) async fn run(&self, invocation: &Invocation<'_>) -> Result<Reply, Unavailable> {
        let failed = |error: RedisError| self.server.unavailable(&error);
        let mut connection = self.pool.get().await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => failed(error),
            error => Unavailable::new(format_args!("no connection to redis at {}: {error}", self.server.address)),
        })?;
        let reply = match invocation.by_hash().query_async::<Reply>(&mut connection).await {
            Err(error) if is_unknown_script(&error) => invocation.by_text().query_async(&mut connection).await,
            reply => reply,
        };
        let reply = reply.map_err(failed)?;
        if !reply.is_applied() {
            return Ok(reply);
        }
        let wanted = self.options.wait_replicas;
        let limit_ms = u64::try_from(self.options.response_timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        let wait = redis::cmd("WAIT").arg(wanted).arg(limit_ms).to_owned();
        let confirmed: u32 = wait.query_async(&mut connection).await.map_err(|error| {
            let reason = self.server.describe(&error);
            Unavailable::new(format_args!("the change is applied on the primary, but not confirmed: {reason}"))
        })?;
        if confirmed >= wanted {
            return Ok(reply);
        }
        Err(Unavailable::new(format_args!(
            "the change is applied on the primary, but not confirmed: {confirmed} of {wanted} replicas have it after \
             {limit_ms} ms: bring the replicas back"
        )))
    }
}
