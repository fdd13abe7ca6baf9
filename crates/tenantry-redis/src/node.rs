//! One server that keeps data: the connection that all reads and commits share, and those that wait for replicas.
//!
//! redis-rs has a `ConnectionManager` for the former. It is not used: after a long outage it answers the first call
//! with the error of its last attempt, or, told to try forever, keeps trying after it was dropped; and it stays with a
//! connection on which nothing is answered any more. Here a call that finds no connection makes one.

use std::sync::{Mutex, PoisonError};

use redis::{Cmd, FromRedisValue, Pipeline, RedisError};

use crate::{
    confirmed::Confirmed,
    failure::Failure,
    options::Options,
    plain::Plain,
    script::{Invocation, Reply, is_unknown_script},
    server::{Connected, Server},
};

/// What is to be done at the node that has a slot.
pub(crate) trait Task: Sync {
    /// What comes of it.
    type Output: Send;
    /// Whether it does no harm when it is done twice.
    const IS_HARMLESS: bool;

    /// Does it. `asking`: the slot is on its way to this node, which serves it only to those that say so.
    fn run(&self, node: &Node, asking: bool) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// One server.
pub(crate) struct Node {
    pub(crate) server: Server,
    options: Options,
    current: Mutex<Option<Connected>>,
    /// Held while connecting, so that a thousand callers make one connection.
    connecting: tokio::sync::Mutex<()>,
    confirmed: Confirmed,
}

impl Node {
    pub(crate) fn new(server: Server, options: Options) -> Self {
        let confirmed = Confirmed::new(server.clone(), &options);
        Self { server, options, current: Mutex::new(None), connecting: tokio::sync::Mutex::new(()), confirmed }
    }

    /// Asks for one thing.
    pub(crate) async fn query<T: FromRedisValue>(&self, request: &Request, asking: bool) -> Result<T, Failure> {
        let mut connected = self.connected().await.map_err(Failure::NotAsked)?;
        request.send(&mut connected, asking).await.map_err(Failure::Failed)
    }

    /// Forgets the shared connection: the next call makes another, or finds that the server is not what it was.
    pub(crate) fn abandon(&self) {
        if let Some(connected) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            connected.abandon();
        }
        self.confirmed.abandon();
    }

    async fn connected(&self) -> Result<Connected, RedisError> {
        match self.usable() {
            Some(connected) => Ok(connected),
            // In a box: every other call would carry the room for it along.
            None => Box::pin(self.connect()).await,
        }
    }

    async fn connect(&self) -> Result<Connected, RedisError> {
        let _connecting = self.connecting.lock().await;
        // Another caller may have connected in the meantime.
        if let Some(connected) = self.usable() {
            return Ok(connected);
        }
        let (connect, response) = (self.options.connect_timeout, self.options.response_timeout);
        let connected = self.server.connect_shared(connect, response).await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(connected.clone());
        Ok(connected)
    }

    fn usable(&self) -> Option<Connected> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|connected| connected.is_useful()).cloned()
    }
}

/// What can be asked for at once.
pub(crate) enum Request {
    /// One command.
    One(Cmd),
    /// Several, between which no commit may come. The answer has an answer for each.
    Together(Vec<Cmd>),
    /// Several of no key, one after the other. The answer has an answer for each.
    Each(Vec<Cmd>),
}

impl Request {
    pub(crate) async fn send<T: FromRedisValue>(
        &self,
        connected: &mut Connected,
        asking: bool,
    ) -> Result<T, RedisError> {
        let result = match self {
            Self::One(command) if !asking => command.query_async(&mut connected.connection).await,
            Self::Each(_) => self.pipeline(false).query_async(&mut connected.connection).await,
            Self::One(_) | Self::Together(_) => {
                let result = self.pipeline(asking).query_async(&mut connected.connection).await;
                result.map(|(value,): (T,)| value)
            }
        };
        connected.judge(result.as_ref().err());
        result
    }

    /// `ASKING` counts for the next command only, and for all of a transaction. Written at once, so that no other
    /// caller's command comes between the two.
    fn pipeline(&self, asking: bool) -> Pipeline {
        let mut pipeline = Pipeline::new();
        if asking {
            pipeline.cmd("ASKING").ignore();
        }
        match self {
            Self::One(command) => {
                pipeline.add_command(command.clone());
            }
            Self::Together(commands) => {
                pipeline.cmd("MULTI").ignore();
                for command in commands {
                    pipeline.add_command(command.clone()).ignore();
                }
                pipeline.cmd("EXEC");
            }
            Self::Each(commands) => {
                for command in commands {
                    pipeline.add_command(command.clone());
                }
            }
        }
        pipeline
    }
}

/// A read.
pub(crate) struct Read<T> {
    request: Request,
    answer: std::marker::PhantomData<fn() -> T>,
}

impl<T> Read<T> {
    pub(crate) const fn new(request: Request) -> Self {
        Self { request, answer: std::marker::PhantomData }
    }
}

impl<T: FromRedisValue + Send> Task for Read<T> {
    type Output = T;
    const IS_HARMLESS: bool = true;

    async fn run(&self, node: &Node, asking: bool) -> Result<T, Failure> {
        node.query(&self.request, asking).await
    }
}

/// How a transaction is carried out.
pub(crate) enum Work<'i> {
    Plain(Plain),
    Script(Invocation<'i>),
}

/// A commit.
pub(crate) struct Commit<'i> {
    pub(crate) work: Work<'i>,
    /// Whether it waits for replicas, if the options say so.
    pub(crate) confirmed: bool,
}

impl Task for Commit<'_> {
    type Output = Reply;
    const IS_HARMLESS: bool = false;

    async fn run(&self, node: &Node, asking: bool) -> Result<Reply, Failure> {
        if self.confirmed && node.options.wait_replicas > 0 {
            // In a box: every other commit would carry the room for it along.
            return Box::pin(node.confirmed.run(self, asking)).await;
        }
        let mut connected = node.connected().await.map_err(Failure::NotAsked)?;
        self.send(&mut connected, asking).await
    }
}

impl Commit<'_> {
    /// Does it on this connection.
    pub(crate) async fn send(&self, connected: &mut Connected, asking: bool) -> Result<Reply, Failure> {
        let reply = match &self.work {
            Work::Plain(plain) => match Request::One(plain.command.clone()).send(connected, asking).await {
                Ok(changed) => Ok(plain.reply(changed)),
                Err(error) => plain.refusal(&error).ok_or(error),
            },
            Work::Script(invocation) => {
                let reply = match Request::One(invocation.by_hash()).send(connected, asking).await {
                    // redis-rs would load it into every node of a cluster, and wait for the slowest.
                    Err(error) if is_unknown_script(&error) => {
                        Request::One(invocation.by_text()).send(connected, asking).await
                    }
                    reply => reply,
                };
                reply.or_else(|error| invocation.refusal(&error).ok_or(error))
            }
        };
        reply.map_err(Failure::Failed)
    }
}
