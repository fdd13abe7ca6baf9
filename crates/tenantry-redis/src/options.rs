//! How to connect, and why that may fail.

use std::{fmt, time::Duration};

use redis::ConnectionInfo;

/// How a [`RedisStore`](crate::RedisStore) is to work.
///
/// ```
/// use std::time::Duration;
/// use tenantry_redis::Options;
///
/// let options = Options::new().namespace("shop").wait_replicas(1).response_timeout(Duration::from_millis(250));
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) user: Option<Login>,
    pub(crate) sentinel_user: Option<Login>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::Tls>,
    pub(crate) namespace: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) overall_timeout: Duration,
    pub(crate) wait_replicas: u32,
    pub(crate) pool_size: usize,
    pub(crate) allow_eviction: bool,
}

/// A user of Redis.
#[derive(Clone)]
pub(crate) struct Login {
    name: String,
    password: String,
}

impl Login {
    /// `info`, as this user.
    pub(crate) fn apply(&self, info: &ConnectionInfo) -> ConnectionInfo {
        let settings = info.redis_settings().clone().set_username(&self.name).set_password(&self.password);
        info.clone().set_redis_settings(settings)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user: None,
            sentinel_user: None,
            #[cfg(feature = "tls")]
            tls: None,
            namespace: "tenantry".to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(500),
            overall_timeout: Duration::from_secs(1),
            wait_replicas: 0,
            pool_size: 2,
            allow_eviction: false,
        }
    }
}

impl Options {
    /// The defaults, which each method's documentation states.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As which user to work (an ACL user), instead of the URL's. Default: what the URL says.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some(Login { name: name.into(), password: password.into() });
        self
    }

    /// As which user to ask the sentinels. Default: none.
    #[must_use]
    pub fn sentinel_user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.sentinel_user = Some(Login { name: name.into(), password: password.into() });
        self
    }

    /// Encrypts all connections, whatever the URL says, and says whose certificates to trust. Default: what the URL
    /// says, and whom the system trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// What all keys and channels begin with, before a colon: 1 to 64 of `[A-Za-z0-9._-]`. Default: `tenantry`.
    ///
    /// It has no colon itself: a user of Redis who may do everything in `shop:*` would have `shop:eu` as well.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long making a connection may take. Default: 1 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long Redis may take to answer; with [`wait_replicas`](Self::wait_replicas), how long they may take, too.
    /// Default: 500 ms.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// How long any call may take, whatever it consists of. Default: 1 s.
    #[must_use]
    pub const fn overall_timeout(mut self, timeout: Duration) -> Self {
        self.overall_timeout = timeout;
        self
    }

    /// How many replicas must have a commit before it is acknowledged (`WAIT`). Default: 0.
    ///
    /// If fewer have it in time, the commit answers `Unavailable`, although the primary has applied it. This narrows
    /// the window in which a fail-over loses what was acknowledged; it does not close it. Neither is a repetition
    /// acknowledged, nor that nothing is left to do, before so many replicas have what that rests on: while too few are
    /// there, every change is answered so. Have one replica more than this number.
    #[must_use]
    pub const fn wait_replicas(mut self, replicas: u32) -> Self {
        self.wait_replicas = replicas;
        self
    }

    /// How many connections there are for commits that wait for replicas; in a cluster, at each primary. The commits that
    /// queue up while all of them wait travel together over the next that is free. Without
    /// [`wait_replicas`](Self::wait_replicas) there is one connection for everything. Default: 2.
    #[must_use]
    pub const fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections;
        self
    }

    /// Works with a Redis whose `maxmemory-policy` is not `noeviction`, too. Default: it is refused.
    ///
    /// Such a Redis drops what was acknowledged when it has no room for more: members, tokens, and what keeps a thing from
    /// being done twice. Only for one that never gets there.
    #[must_use]
    pub const fn dangerously_allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), ConnectError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&self.namespace.len()) || !self.namespace.bytes().all(allowed) {
            return Err(ConnectError::options("choose a namespace of 1 to 64 characters of [A-Za-z0-9._-]"));
        }
        if self.pool_size == 0 {
            return Err(ConnectError::options("choose a pool size of at least 1"));
        }
        if [self.connect_timeout, self.response_timeout, self.overall_timeout].contains(&Duration::ZERO) {
            return Err(ConnectError::options("choose timeouts longer than 0"));
        }
        Ok(())
    }
}

/// The store could not be connected.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    kind: ConnectErrorKind,
    message: String,
}

/// Why a store could not be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL or the options cannot be used.
    Options,
    /// Redis does not answer, does not let us in, or is too old.
    Unreachable,
    /// Redis is set up so that it would lose what it has acknowledged.
    Settings,
    /// What is kept there was written by a newer version of Tenantry.
    Format,
}

impl ConnectError {
    /// Why the store could not be connected.
    #[must_use]
    pub const fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    pub(crate) fn options(message: impl Into<String>) -> Self {
        Self { kind: ConnectErrorKind::Options, message: message.into() }
    }

    pub(crate) fn settings(address: &str, reason: impl fmt::Display) -> Self {
        Self { kind: ConnectErrorKind::Settings, message: format!("redis at {address} is not to be used: {reason}") }
    }

    pub(crate) fn format(address: &str, reason: impl fmt::Display) -> Self {
        Self { kind: ConnectErrorKind::Format, message: format!("redis at {address} cannot be used: {reason}") }
    }

    pub(crate) fn unreachable(address: &str, reason: impl fmt::Display) -> Self {
        let mend = "check the address, the credentials, and that it is Redis 7 or Valkey";
        Self {
            kind: ConnectErrorKind::Unreachable,
            message: format!("redis at {address} cannot be used: {reason}: {mend}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused() {
        for options in [
            Options::new().namespace(""),
            Options::new().namespace("a{b}"),
            Options::new().namespace("a b"),
            Options::new().namespace("shop:eu"),
            Options::new().pool_size(0),
            Options::new().response_timeout(Duration::ZERO),
        ] {
            assert_eq!(options.validate().unwrap_err().kind(), ConnectErrorKind::Options);
        }
        assert!(Options::new().namespace("shop.eu-1").validate().is_ok());
        let options = Options::new().user("ann", "hunter2").sentinel_user("bob", "hunter2");
        assert!(!format!("{options:?}").contains("hunter2"), "{options:?}");
    }
}
