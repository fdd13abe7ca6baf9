//! The store itself.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use redis::Pipeline;
use tenantry_core::store::{
    Changes, CommitError, Committed, Key, Numbered, Order, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
};
use tokio::task::AbortHandle;

use crate::{
    confirmed::Confirmed,
    hub::Hub,
    keys::Names,
    link::{Link, Server},
    options::{ConnectError, Options, parse},
    script::{Invocation, Reply, is_unknown_script},
    sorted,
    watch::Watch,
};

/// Keeps the state in Redis. See the [crate](crate) for how.
///
/// Several stores, in one process or in many, may share one Redis: they are nodes of one system if their namespaces
/// are the same, and know nothing of each other if not.
pub struct RedisStore {
    link: Link,
    names: Names,
    hub: Arc<Hub>,
    /// Present if commits wait for replicas.
    confirmed: Option<Confirmed>,
    watch: AbortHandle,
}

impl RedisStore {
    /// Connects to the Redis at `url`, such as `redis://user:password@host:6379/0`, and sees whether it can be used.
    ///
    /// Must be called within a tokio runtime, on which the store then listens for notices until it is dropped.
    pub async fn connect(url: &str, options: Options) -> Result<Self, ConnectError> {
        options.validate()?;
        let server = Server::new(parse(url)?).map_err(|_| ConnectError::options("the redis url cannot be used"))?;
        let confirmed = (options.wait_replicas > 0).then(|| Confirmed::new(&server, &options)).transpose()?;
        let (names, hub) = (Names::new(&options.namespace), Arc::new(Hub::new()));
        let connect_timeout = options.connect_timeout;
        let link = Link::new(server.clone(), options);
        let failed = |reason: String| ConnectError::unreachable(&server.address, reason);
        // An empty transaction writes nothing, and proves that the server knows such scripts and lets us run them.
        let probe = Invocation::new(&names, &Shard::new('p', "connect"), &Txn::default()).by_text();
        let answer = link.bounded(async { Ok(link.attempt::<Reply>(&probe).await) }).await;
        let answer = answer.map_err(|error: Unavailable| failed(error.to_string()))?;
        answer.map_err(|error| failed(server.describe(&error)))?;
        let watch = Watch { server, names: names.clone(), hub: hub.clone(), connect_timeout };
        let watch = tokio::spawn(watch.run()).abort_handle();
        Ok(Self { link, names, hub, confirmed, watch })
    }

    async fn read_rows(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        let (lasting, passing) = keys.iter().partition::<Vec<_>, _>(|key| key.lifetime().is_none());
        let fields: Vec<_> = lasting.into_iter().map(Key::name).collect();
        let names: Vec<_> = passing.into_iter().map(|key| self.names.passing(shard, key.name())).collect();
        let hmget = redis::cmd("HMGET").arg(self.names.rows(shard)).arg(&fields).to_owned();
        let mget = redis::cmd("MGET").arg(&names).to_owned();
        let (lasting, passing): (Vec<Option<Bytes>>, Vec<_>) = match (fields.is_empty(), names.is_empty()) {
            (true, true) => return Ok(Vec::new()),
            (false, true) => (self.link.query(&hmget).await?, Vec::new()),
            (true, false) => (Vec::new(), self.link.query(&mget).await?),
            (false, false) => {
                // Atomic: no commit may come between the two.
                self.link.pipeline(Pipeline::new().atomic().add_command(hmget).add_command(mget)).await?
            }
        };
        let (mut lasting, mut passing) = (lasting.into_iter(), passing.into_iter());
        let value = |key: &Key| if key.lifetime().is_none() { lasting.next() } else { passing.next() };
        Ok(keys.iter().map(value).map(Option::flatten).collect())
    }

    async fn read_range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.names.index(shard, range.index));
        let after = range.after.map(|after| format!("({after}"));
        match range.order {
            Order::OldestFirst => command.arg(after.as_deref().unwrap_or("-inf")).arg("+inf").arg("BYSCORE"),
            Order::NewestFirst => command.arg(after.as_deref().unwrap_or("+inf")).arg("-inf").arg("BYSCORE").arg("REV"),
        };
        command.arg("LIMIT").arg(0).arg(signed(range.limit)).arg("WITHSCORES");
        let entries: Vec<(String, u64)> = self.link.query(&command).await?;
        Ok(entries.into_iter().map(|(key, number)| Numbered { number, key }).collect())
    }

    async fn read_sorted(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        let command = sorted::command(self.names.sorted(shard, range.index), range, signed(range.limit));
        let members: Vec<String> = self.link.query(&command).await?;
        let foreign = || Unavailable::new(format_args!("index {} of {shard} has an entry of no sort key", range.index));
        members.iter().map(|member| sorted::parse(member).ok_or_else(foreign)).collect()
    }

    async fn read_numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("ZMSCORE");
        self.link.query(command.arg(self.names.index(shard, index)).arg(keys)).await
    }

    async fn read_log(&self, key: &str, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        let limit = signed(limit);
        if limit == 0 || before == Some(0) {
            return Ok(Vec::new());
        }
        let (length, mut entries) = match before.map(signed) {
            None => self.log_part(key, -limit, -1).await?,
            Some(before) => self.log_part(key, before.saturating_sub(limit).max(0), before - 1).await?,
        };
        let end = before.unwrap_or(length).min(length);
        if before.is_some_and(|before| before > length) {
            // Nobody was ever told such a number; who asks all the same pays with a second round trip.
            let last = signed(length);
            (_, entries) = self.log_part(key, last.saturating_sub(limit).max(0), last - 1).await?;
        }
        Ok((0..end).rev().zip(entries.into_iter().rev()).collect())
    }

    /// How long the log is, and its entries from place `from` to place `to`, as `LRANGE` has it.
    async fn log_part(&self, key: &str, from: i64, to: i64) -> Result<(u64, Vec<Bytes>), Unavailable> {
        // Atomic: the numbers would be wrong if the log grew between the two.
        self.link.pipeline(Pipeline::new().atomic().cmd("LLEN").arg(key).cmd("LRANGE").arg(key).arg(from).arg(to)).await
    }

    async fn apply(&self, invocation: Invocation<'_>) -> Result<Committed, CommitError> {
        if let Some(confirmed) = &self.confirmed {
            return confirmed.run(&invocation).await?.into_result();
        }
        match self.link.attempt::<Reply>(&invocation.by_hash()).await {
            Ok(reply) => reply.into_result(),
            Err(error) if is_unknown_script(&error) => {
                self.link.query::<Reply>(&invocation.by_text()).await?.into_result()
            }
            Err(error) => Err(self.link.server.unavailable(&error).into()),
        }
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("address", &self.link.server.address)
            .field("names", &self.names)
            .field("waits_for_replicas", &self.confirmed.is_some())
            .finish_non_exhaustive()
    }
}

/// As a number that Redis takes; what is greater than that is as good as endless.
fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for RedisStore {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.link.bounded(self.read_rows(shard, keys)).await
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.link.bounded(self.read_range(shard, range)).await
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.link.bounded(self.read_sorted(shard, range)).await
    }

    async fn numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.link.bounded(self.read_numbers(shard, index, keys)).await
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.link.bounded(self.read_log(&self.names.log(shard, log), before, limit)).await
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        self.link.bounded(self.apply(Invocation::new(&self.names, shard, txn))).await
    }

    fn changes(&self) -> Changes {
        self.hub.listen()
    }

    /// An empty commit: a server that answers `PING` may still be out of memory, or a replica.
    async fn ping(&self) -> Result<(), Unavailable> {
        match self.commit(&Shard::new('p', "ping"), &Txn::default()).await {
            Err(CommitError::Unavailable(unavailable)) => Err(unavailable),
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
        }
    }
}
