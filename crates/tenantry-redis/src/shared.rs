//! The connection to a server that all its callers share.
//!
//! redis-rs has a `ConnectionManager`. It is not used: after a long outage it answers the first call with the error of its
//! last attempt, or, told to try forever, keeps trying after it was dropped; and it stays with a connection on which
//! nothing is answered any more. Here a call that finds no connection makes one.

use std::sync::{Mutex, PoisonError};

use redis::{FromRedisValue, RedisError};

use crate::{
    failure::Failure,
    options::Options,
    request::Request,
    server::{Connected, Server},
};

/// A server, and the connection to it, which is made when it is needed.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) options: Options,
    current: Mutex<Option<Connected>>,
    /// Held while connecting, so that a thousand callers make one connection.
    connecting: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn new(server: Server, options: Options) -> Self {
        Self { server, options, current: Mutex::new(None), connecting: tokio::sync::Mutex::new(()) }
    }

    /// Asks for one thing.
    pub(crate) async fn query<T: FromRedisValue>(&self, request: &Request, asking: bool) -> Result<T, Failure> {
        let mut connected = self.connected().await.map_err(Failure::NotAsked)?;
        request.send(&mut connected, asking).await.map_err(Failure::Failed)
    }

    /// Forgets the connection: the next call makes another, or finds that the server is not what it was.
    pub(crate) fn abandon(&self) {
        if let Some(connected) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            connected.abandon();
        }
    }

    pub(crate) async fn connected(&self) -> Result<Connected, RedisError> {
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
