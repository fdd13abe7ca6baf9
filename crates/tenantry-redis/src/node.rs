//! One server that keeps data: the connection that all reads and commits share, and those on which commits wait for
//! replicas.

use std::marker::PhantomData;

use redis::FromRedisValue;

use crate::{
    failure::Failure, options::Options, replicated_commit::Confirmed, reply::Reply, request::Request, server::Server,
    shared::Shared, work::Work,
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
    pub(crate) shared: Shared,
    confirmed: Confirmed,
}

impl Node {
    pub(crate) fn new(server: Server, options: Options) -> Self {
        let confirmed = Confirmed::new(server.clone(), &options);
        Self { shared: Shared::new(server, options), confirmed }
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Forgets all connections: the next call makes another, or finds that the server is not what it was.
    pub(crate) fn abandon(&self) {
        self.shared.abandon();
        self.confirmed.abandon();
    }
}

/// A read.
pub(crate) struct Read<T> {
    request: Request,
    answer: PhantomData<fn() -> T>,
}

impl<T> Read<T> {
    pub(crate) const fn new(request: Request) -> Self {
        Self { request, answer: PhantomData }
    }
}

impl<T: FromRedisValue + Send> Task for Read<T> {
    type Output = T;
    const IS_HARMLESS: bool = true;

    async fn run(&self, node: &Node, asking: bool) -> Result<T, Failure> {
        node.shared.query(&self.request, asking).await
    }
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
        if self.confirmed && node.shared.options.wait_replicas > 0 {
            // In a box: every other commit would carry the room for it along.
            return Box::pin(node.confirmed.run(&self.work, asking)).await;
        }
        let mut connected = node.shared.connected().await.map_err(Failure::NotAsked)?;
        self.work.run(&mut connected, asking).await.map_err(Failure::Failed)
    }
}
