//! Why a node did not do what it was asked to, and what to do about it.

use redis::{RedisError, ServerErrorKind};
use tenantry_core::store::{CommitError, Unavailable};

use crate::{address::Address, server::Server};

/// What a server says before it does anything of a command: none of it was done, and none of it will be.
const REFUSALS: [&str; 15] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    OUT_OF_MEMORY,
    "READONLY",
    "TRYAGAIN",
];
const OUT_OF_MEMORY: &str = "OOM";

/// Why a node did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no connection: it was asked nothing.
    NotAsked(RedisError),
    /// It answered with an error, or it may or may not have done it.
    Failed(RedisError),
    /// It did it, and that is not enough.
    Unconfirmed(Unavailable),
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) why: Unavailable,
    /// Nothing of it was done, and nothing will be.
    pub(crate) is_undone: bool,
}

impl Unanswered {
    /// It was sent to nobody.
    pub(crate) const fn unsent(why: Unavailable) -> Self {
        Self { why, is_undone: true }
    }

    pub(crate) fn of(server: &Server, failure: Failure) -> Self {
        match failure {
            Failure::NotAsked(error) => Self::unsent(server.unavailable(&error)),
            Failure::Unconfirmed(why) => Self { why, is_undone: false },
            Failure::Failed(error) => {
                let code = Refusal::of(&error).map(|refusal| refusal.code);
                let is_full = code.as_deref() == Some(OUT_OF_MEMORY);
                let described = format!("redis at {}: {}", server.address, server.describe(&error));
                let why = if is_full { Unavailable::full(described) } else { Unavailable::new(described) };
                Self { why, is_undone: code.is_some_and(|code| REFUSALS.contains(&&*code)) }
            }
        }
    }
}

impl From<Unanswered> for Unavailable {
    fn from(unanswered: Unanswered) -> Self {
        unanswered.why
    }
}

impl From<Unanswered> for CommitError {
    fn from(unanswered: Unanswered) -> Self {
        if unanswered.is_undone { Self::NotApplied(unanswered.why) } else { Self::Unavailable(unanswered.why) }
    }
}

/// What to do after a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// It is final, or nobody knows whether it was done.
    GiveUp,
    /// Another node has the slot; `true`: it is just getting it.
    GoTo(Address, bool),
    /// The same once more, after a moment.
    Wait,
    /// Look who has the slot, and ask there at once; give up if it is the same.
    LookUp,
    /// Look who has the slot after a moment, and ask there.
    LookUpAndWait,
    /// The connection broke, or nothing came over it. What does no harm when it is done twice is asked once more.
    Repeat,
}

/// What to do after `failure` of the node that was `asked`.
pub(crate) fn advice(failure: &Failure, asked: &Address) -> Advice {
    let error = match failure {
        Failure::NotAsked(_) => return Advice::LookUp,
        Failure::Unconfirmed(_) => return Advice::GiveUp,
        Failure::Failed(error) => error,
    };
    let Some(Refusal { kind, detail, .. }) = Refusal::of(error) else {
        return Advice::Repeat;
    };
    match kind {
        Some(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
            let there = detail.split_ascii_whitespace().nth(1).and_then(|there| Address::parse(there, asked));
            there.map_or(Advice::LookUpAndWait, |there| Advice::GoTo(there, kind == ServerErrorKind::Ask))
        }
        // Some keys of the shard are here and some are there: the slot is just moving.
        Some(ServerErrorKind::TryAgain) => Advice::Wait,
        Some(
            ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly,
        ) => Advice::LookUpAndWait,
        _ => Advice::GiveUp,
    }
}

/// What the server said first: in a transaction, the reason for which it was aborted.
struct Refusal {
    kind: Option<ServerErrorKind>,
    code: String,
    detail: String,
}

impl Refusal {
    fn of(error: &RedisError) -> Option<Self> {
        let errors = error.clone().into_server_errors()?;
        let (_, first) = errors.first()?;
        let detail = first.details().unwrap_or_default().to_owned();
        Some(Self { kind: first.kind(), code: first.code().to_owned(), detail })
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn said(error: &str) -> Failure {
        let error = redis::parse_redis_value(format!("-{error}\r\n").as_bytes()).and_then(Value::extract_error);
        Failure::Failed(error.unwrap_err())
    }

    fn after(error: &str) -> Advice {
        advice(&said(error), &Address::new("asked", 1))
    }

    #[test]
    fn only_what_was_not_done_is_sent_again() {
        assert_eq!(after("MOVED 3999 10.0.0.1:6381"), Advice::GoTo(Address::new("10.0.0.1", 6381), false));
        assert_eq!(after("ASK 3999 :6381"), Advice::GoTo(Address::new("asked", 6381), true));
        assert_eq!(after("MOVED nonsense"), Advice::LookUpAndWait);
        assert_eq!(after("TRYAGAIN Multiple keys request during rehashing of slot"), Advice::Wait);
        assert_eq!(after("CLUSTERDOWN The cluster is down"), Advice::LookUpAndWait);
        assert_eq!(after("READONLY You can't write against a read only replica."), Advice::LookUpAndWait);
        assert_eq!(after("LOADING Redis is loading the dataset in memory"), Advice::LookUpAndWait);
        assert_eq!(after("OOM command not allowed when used memory > 'maxmemory'."), Advice::GiveUp);
        assert_eq!(after("ERR something"), Advice::GiveUp);
        let broken = || RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        let asked = Address::new("asked", 1);
        assert_eq!(advice(&Failure::Failed(broken()), &asked), Advice::Repeat);
        assert_eq!(advice(&Failure::NotAsked(broken()), &asked), Advice::LookUp);
    }

    #[test]
    fn what_was_refused_is_known_to_be_undone() {
        for code in REFUSALS {
            let Failure::Failed(error) = said(&format!("{code} for a reason")) else { unreachable!("it is made so") };
            let refusal = Refusal::of(&error).expect("the server said it");
            assert_eq!(refusal.code, code);
        }
    }
}
