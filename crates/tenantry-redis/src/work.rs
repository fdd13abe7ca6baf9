//! How a transaction is carried out.

use redis::{Cmd, FromRedisValue as _, RedisError, Value};

use crate::{
    reply::{Reply, is_unknown_script},
    request::Request,
    script::Invocation,
    server::Connected,
    single_command::Plain,
};

/// The way of a transaction.
pub(crate) enum Work<'i> {
    Plain(Plain),
    Script(Invocation<'i>),
}

impl Work<'_> {
    /// Does it on this connection.
    pub(crate) async fn run(&self, connected: &mut Connected, asking: bool) -> Result<Reply, RedisError> {
        let answer = Request::One(self.command()).send(connected, asking).await;
        match self.command_again(answer.as_ref().err()) {
            Some(command) => self.reply(Request::One(command).send(connected, asking).await),
            None => self.reply(answer),
        }
    }

    /// What to send.
    pub(crate) fn command(&self) -> Cmd {
        match self {
            Self::Plain(plain) => plain.command.clone(),
            Self::Script(invocation) => invocation.by_hash(),
        }
    }

    /// What to send after this error, if the server did not know the script. redis-rs would load it into every node of a
    /// cluster, and wait for the slowest.
    pub(crate) fn command_again(&self, error: Option<&RedisError>) -> Option<Cmd> {
        match self {
            Self::Script(invocation) if error.is_some_and(is_unknown_script) => Some(invocation.by_text()),
            Self::Plain(_) | Self::Script(_) => None,
        }
    }

    /// What the server's answer means.
    pub(crate) fn reply(&self, answer: Result<Value, RedisError>) -> Result<Reply, RedisError> {
        match (self, answer) {
            (Self::Plain(plain), Ok(value)) => Ok(plain.reply(i64::from_redis_value(value)?)),
            (Self::Script(_), Ok(value)) => Ok(Reply::from_redis_value(value)?),
            (Self::Plain(plain), Err(error)) => plain.refusal(&error).ok_or(error),
            (Self::Script(invocation), Err(error)) => invocation.refusal(&error).ok_or(error),
        }
    }
}
