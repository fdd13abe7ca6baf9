//! The connection that all reads and commits share.
//!
//! redis-rs has a `ConnectionManager` for this. It is not used: after a long outage it answers the first call with
//! the error of its last attempt, or, told to try forever, keeps trying after it was dropped; and it stays with a
//! connection on which nothing is answered any more. Here a call that finds no connection makes one.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, Pipeline, PushInfo, PushKind,
    RedisError, ServerErrorKind, aio::MultiplexedConnection,
};
use tenantry_core::store::Unavailable;
use tokio::time::timeout;

use crate::options::Options;

/// How many commands may be on their way to the socket before the next has to wait.
const PIPELINE_BUFFER: usize = 1024;

/// Where Redis is, and how to speak of it.
#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
    password: Option<Arc<str>>,
    pub(crate) address: Arc<str>,
}

impl Server {
    pub(crate) fn new(info: ConnectionInfo) -> Result<Self, RedisError> {
        let password = info.redis_settings().password().filter(|password| !password.is_empty()).map(Arc::from);
        let address = info.addr().to_string().into();
        Ok(Self { client: Client::open(info)?, password, address })
    }

    /// Makes a connection. `config` has the timeouts.
    pub(crate) async fn connect(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, RedisError> {
        self.client.get_multiplexed_async_connection_with_config(config).await
    }

    pub(crate) fn info(&self) -> &ConnectionInfo {
        self.client.get_connection_info()
    }

    /// The error without secrets: Redis repeats the arguments of a command that it does not know, such as the
    /// password after `AUTH`.
    pub(crate) fn describe(&self, error: &RedisError) -> String {
        let text = error.to_string();
        let text = text.split(", with args beginning with").next().unwrap_or_default();
        self.password.as_ref().map_or_else(|| text.to_owned(), |password| text.replace(&**password, "***"))
    }

    pub(crate) fn unavailable(&self, error: &RedisError) -> Unavailable {
        Unavailable::new(format_args!("redis at {}: {}", self.address, self.describe(error)))
    }
}

/// The shared connection. Made when it is needed, and anew when it is lost.
pub(crate) struct Link {
    pub(crate) server: Server,
    options: Options,
    current: Mutex<Option<Connected>>,
    /// Held while connecting, so that a thousand callers make one connection.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Connected {
    connection: MultiplexedConnection,
    /// Set when the server hangs up, when nothing is answered, or when this is no primary any more.
    useless: Arc<AtomicBool>,
}

impl Link {
    pub(crate) fn new(server: Server, options: Options) -> Self {
        Self { server, options, current: Mutex::new(None), connecting: tokio::sync::Mutex::new(()) }
    }

    /// Ends the call when its time is up.
    pub(crate) async fn bounded<T, E: From<Unavailable>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        timeout(self.options.overall_timeout, call).await.unwrap_or_else(|_| {
            let limit_ms = self.options.overall_timeout.as_millis();
            let reason = format!("redis at {} has not answered within {limit_ms} ms", self.server.address);
            Err(Unavailable::new(reason).into())
        })
    }

    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        self.attempt(command).await.map_err(|error| self.server.unavailable(&error))
    }

    /// As [`query`](Self::query), with an error to look into.
    pub(crate) async fn attempt<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut connected = self.connected().await?;
        let result = command.query_async(&mut connected.connection).await;
        connected.judge(result.as_ref().err());
        result
    }

    pub(crate) async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Unavailable> {
        let mut connected = self.connected().await.map_err(|error| self.server.unavailable(&error))?;
        let result = pipeline.query_async(&mut connected.connection).await;
        connected.judge(result.as_ref().err());
        result.map_err(|error| self.server.unavailable(&error))
    }

    async fn connected(&self) -> Result<Connected, RedisError> {
        if let Some(connected) = self.usable() {
            return Ok(connected);
        }
        let _connecting = self.connecting.lock().await;
        // Another caller may have connected in the meantime.
        if let Some(connected) = self.usable() {
            return Ok(connected);
        }
        let useless = Arc::new(AtomicBool::new(false));
        let flag = useless.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.response_timeout))
            .set_pipeline_buffer_size(PIPELINE_BUFFER)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    flag.store(true, Ordering::Release);
                }
                Ok::<(), ()>(())
            });
        let connection = self.server.connect(&config).await?;
        let connected = Connected { connection, useless };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(connected.clone());
        Ok(connected)
    }

    fn usable(&self) -> Option<Connected> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|connected| !connected.useless.load(Ordering::Acquire)).cloned()
    }
}

impl Connected {
    /// Calls that are under way keep the connection; the next one makes a new one if this one is useless.
    fn judge(&self, error: Option<&RedisError>) {
        let useless = error.is_some_and(|error| {
            error.is_unrecoverable_error()
                || error.is_timeout()
                // A fail-over made a replica of the node that this address meant.
                || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        });
        if useless {
            self.useless.store(true, Ordering::Release);
        }
    }
}
