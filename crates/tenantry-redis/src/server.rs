//! How to connect to a server, and how to speak of it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, PushInfo, PushKind, RedisError, ServerErrorKind,
    aio::MultiplexedConnection,
};
use tenantry_core::store::Unavailable;

use crate::address::Address;

/// How many commands may be on their way to the socket before the next has to wait.
const PIPELINE_BUFFER: usize = 1024;

/// What a server must be, or it is not the one that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A primary outside of a cluster.
    Primary,
    /// A node of a cluster. What it has, it says at every command.
    ClusterNode,
    /// A sentinel.
    Sentinel,
}

/// One server.
#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
    password: Option<Arc<str>>,
    pub(crate) address: Address,
    role: Role,
}

impl Server {
    pub(crate) fn new(info: ConnectionInfo, address: Address, role: Role) -> Result<Self, RedisError> {
        let password = info.redis_settings().password().filter(|password| !password.is_empty()).map(Arc::from);
        Ok(Self { client: Client::open(info)?, password, address, role })
    }

    /// Makes a connection to what is still the server that is meant. `config` has the timeouts.
    pub(crate) async fn connect(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = self.client.get_multiplexed_async_connection_with_config(config).await?;
        self.check_role(&mut connection).await?;
        Ok(connection)
    }

    /// A connection that knows when it is of no use any more.
    pub(crate) async fn connect_shared(
        &self,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Result<Connected, RedisError> {
        let useless = Arc::new(AtomicBool::new(false));
        let flag = useless.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect_timeout))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(PIPELINE_BUFFER)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    flag.store(true, Ordering::Release);
                }
                Ok::<(), ()>(())
            });
        let connection = self.connect(&config).await?;
        Ok(Connected { connection, useless })
    }

    /// Asks the server what it is: a primary may have become a replica, which answers reads, and a server may have
    /// been replaced by one of another kind. Every user may ask this.
    pub(crate) async fn check_role(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let answer: HashMap<String, redis::Value> = redis::cmd("HELLO").query_async(connection).await?;
        let word = |name: &str| match answer.get(name) {
            Some(redis::Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(redis::Value::SimpleString(text)) => text.clone(),
            _ => String::new(),
        };
        let (mode, role) = (word("mode"), word("role"));
        let mend = match (self.role, mode.as_str()) {
            (Role::Primary, "standalone") if role == "master" => return Ok(()),
            (Role::ClusterNode, "cluster") | (Role::Sentinel, "sentinel") => return Ok(()),
            (Role::Primary, "standalone") => "give the address of the primary",
            (_, "cluster") => "write redis+cluster://",
            (_, "sentinel") => "write redis+sentinel://",
            _ => "write redis://",
        };
        Err((
            ErrorKind::InvalidClientConfig,
            "not the server that is meant",
            format!("a {role} in mode {mode}: {mend}"),
        )
            .into())
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

/// A connection, and whether it is still good for anything.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    /// Set when the server hangs up, when nothing is answered, or when this is no primary any more.
    useless: Arc<AtomicBool>,
}

impl Connected {
    pub(crate) fn is_useful(&self) -> bool {
        !self.useless.load(Ordering::Acquire)
    }

    pub(crate) fn abandon(&self) {
        self.useless.store(true, Ordering::Release);
    }

    /// Calls that are under way keep the connection; the next one makes a new one if this one is useless.
    pub(crate) fn judge(&self, error: Option<&RedisError>) {
        let useless = error.is_some_and(|error| {
            error.is_unrecoverable_error()
                || error.is_timeout()
                // A fail-over made a replica of the node that this address meant.
                || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        });
        if useless {
            self.abandon();
        }
    }
}
