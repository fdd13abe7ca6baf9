//! What a commit answers, whichever way it is carried out.

use redis::{ErrorKind, FromRedisValue, ParsingError, RedisError, ServerErrorKind, Value};
use tenantry_core::store::{CommitError, Committed, Unavailable};

/// What became of a transaction that Redis decided on.
#[derive(Debug)]
pub(crate) enum Reply {
    Applied(Committed),
    Refused(CommitError),
}

impl Reply {
    pub(crate) const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    pub(crate) fn into_result(self) -> Result<Committed, CommitError> {
        match self {
            Self::Applied(committed) => Ok(committed),
            Self::Refused(error) => Err(error),
        }
    }
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let unexpected = || ParsingError::from("commit.lua answered something unexpected");
        let Value::Array(words) = value else { return Err(unexpected()) };
        match &words[..] {
            [Value::Int(0), counters @ ..] => {
                let number = |value: &Value| if let Value::Int(number) = value { Some(*number) } else { None };
                let counters = counters.iter().map(number).collect::<Option<_>>();
                Ok(Self::Applied(Committed { counters: counters.ok_or_else(unexpected)? }))
            }
            [Value::Int(1)] => Ok(Self::Refused(CommitError::Conflict)),
            [Value::Int(2), Value::Int(place)] => {
                usize::try_from(*place).map(|place| Self::Refused(CommitError::Limit(place))).map_err(|_| unexpected())
            }
            [Value::Int(3), Value::BulkString(what)] => {
                let what = String::from_utf8_lossy(what);
                Ok(Self::Refused(CommitError::NotApplied(Unavailable::new(what))))
            }
            _ => Err(unexpected()),
        }
    }
}

/// What it means that there was an error at `key`, which was there already and is none of ours.
pub(crate) fn refusal(error: &RedisError, key: &str) -> Option<Reply> {
    let is_of_another_kind = error.code() == Some("WRONGTYPE");
    let mend = "delete it, or choose another namespace";
    let reason = format_args!("key {key} is of another kind than it must be: {mend}");
    is_of_another_kind.then(|| Reply::Refused(CommitError::NotApplied(Unavailable::new(reason))))
}

/// The server has forgotten the script (a restart, a fail-over, `SCRIPT FLUSH`).
pub(crate) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
