//! Commands that are written to a connection at once.

use redis::{Cmd, FromRedisValue, Pipeline, RedisError};

use crate::server::Connected;

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
