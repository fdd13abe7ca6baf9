//! The store itself.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, FromRedisValue};
use tenantry_core::{
    store::{
        Changes, CommitError, Committed, Index, Key, Numbered, Order, Range, Shard, Sorted, SortedRange, Store, Txn,
        Unavailable, hub::Hub,
    },
    values::clock::{Clock as _, SystemClock},
};
use tokio::task::AbortHandle;

use crate::{
    address::{Kind, parse},
    elsewhere::Elsewhere,
    fields,
    keys::Names,
    node::{Commit, Read},
    options::{ConnectError, Options},
    request::Request,
    router::Router,
    script::{COMMAND_BYTES, Invocation},
    servers::Servers,
    settings,
    single_command::Plain,
    sorted, watch,
    work::Work,
};

/// The row that a barrier writes. No row of core's is called so.
const BARRIER: &str = "\u{2}barrier";

/// Keeps the state in Redis. See the [crate](crate) for how.
///
/// Several stores, in one process or in many, may share one Redis: they are nodes of one system if their namespaces
/// are the same, and know nothing of each other if not.
pub struct RedisStore {
    router: Arc<Router>,
    names: Names,
    hub: Arc<Hub>,
    watch: AbortHandle,
}

impl RedisStore {
    /// Connects to the Redis at `url` and sees whether it can be used:
    ///
    /// - `redis://user:password@host:6379/0`: one node;
    /// - `redis+sentinel://user:password@host:26379,host:26379/service-name/0`: the primary that these sentinels name;
    /// - `redis+cluster://user:password@host:6379,host:6379`: the cluster to which these nodes belong;
    /// - `rediss://…`, `rediss+sentinel://…`, `rediss+cluster://…`: the same over TLS (feature `tls`).
    ///
    /// List all sentinels: more than half of those listed must confirm the primary, or no cache is believed. Of a
    /// cluster, list some nodes that are not likely to be away at the same time. User and password are those of the
    /// servers that keep the data.
    ///
    /// Must be called within a tokio runtime, on which the store then listens for notices until it is dropped.
    pub async fn connect(url: &str, options: Options) -> Result<Self, ConnectError> {
        options.validate()?;
        let place = parse(url)?;
        #[cfg(feature = "tls")]
        let place = crate::tls::encrypt(place, options.tls.as_ref())?;
        let names = Names::new(&options.namespace, place.kind == Kind::Cluster);
        let servers = Servers::of_data(&place, &options);
        let sentinels = Servers::sentinels(&place, &options)?;
        let (router, hub) = (Arc::new(Router::new(&place, servers, sentinels, options)), Arc::new(Hub::new()));
        let failed = |reason: String| ConnectError::unreachable(&router.address(), reason);
        let found = router.bounded(async { router.find().await.map_err(Unavailable::new) }).await;
        found.map_err(|error| failed(error.to_string()))?;
        settings::check(&router).await?;
        settings::check_format(&router, &names).await?;
        let store = Self { names: names.clone(), hub: hub.clone(), watch: watch::start(&router, names, hub), router };
        // An empty transaction writes nothing, and proves that the server knows such scripts and lets us run them.
        let (shard, nothing) = (Shard::new('p', "connect"), Txn::default());
        match store.router.bounded(store.apply(&shard, &nothing, false)).await {
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => {
                Err(ConnectError::unreachable(&store.router.address(), error))
            }
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(store),
        }
    }

    async fn ask<T: FromRedisValue + Send>(&self, shard: &Shard, command: Cmd) -> Result<T, Unavailable> {
        Ok(self.router.run(Names::slot(shard), &Read::new(Request::One(command))).await?)
    }

    /// Atomic: no commit may come between the commands.
    async fn ask_together<T: FromRedisValue + Send>(&self, shard: &Shard, all: Vec<Cmd>) -> Result<T, Unavailable> {
        Ok(self.router.run(Names::slot(shard), &Read::new(Request::Together(all))).await?)
    }

    async fn read_rows(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = Cmd::with_capacity(2 + keys.len(), COMMAND_BYTES);
        command.arg("HMGET").arg(self.names.rows(shard));
        for key in keys {
            command.arg(&*fields::field(key));
        }
        let found: Vec<Option<Bytes>> = self.ask(shard, command).await?;
        let now = SystemClock.now();
        Ok(keys.iter().zip(found).map(|(key, found)| fields::value(key, found?, now)).collect())
    }

    async fn read_range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.names.indexes(shard));
        let score = |number| fields::score(range.index, number);
        let to = score(range.to.unwrap_or(Index::NUMBER_MAX));
        let after = range.after.map(score);
        match range.order {
            Order::OldestFirst => {
                let after = after.map_or_else(|| score(0).to_string(), |after| format!("({after}"));
                command.arg(after).arg(to).arg("BYSCORE")
            }
            Order::NewestFirst => {
                let before = after.filter(|after| *after <= to).map(|before| format!("({before}"));
                command.arg(before.unwrap_or_else(|| to.to_string())).arg(score(0)).arg("BYSCORE").arg("REV")
            }
        };
        command.arg("LIMIT").arg(0).arg(signed(range.limit)).arg("WITHSCORES");
        let entries: Vec<(Bytes, u64)> = self.ask(shard, command).await?;
        let foreign =
            || Unavailable::new(format_args!("index {} of {shard} has an entry that is no text", range.index.name()));
        let entry = |(member, score): (Bytes, u64)| {
            let key = member.get(1..).and_then(|key| std::str::from_utf8(key).ok()).ok_or_else(foreign)?;
            Ok(Numbered { number: fields::number(score), key: key.to_owned() })
        };
        entries.into_iter().map(entry).collect()
    }

    async fn read_sorted(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        let command = sorted::command(self.names.sorted(shard, range.index), range, signed(range.limit));
        let members: Vec<String> = self.ask(shard, command).await?;
        let foreign = || Unavailable::new(format_args!("index {} of {shard} has an entry of no sort key", range.index));
        members.iter().map(|member| sorted::parse(member).ok_or_else(foreign)).collect()
    }

    async fn read_numbers(
        &self,
        shard: &Shard,
        index: Index,
        keys: &[String],
    ) -> Result<Vec<Option<u64>>, Unavailable> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("ZMSCORE");
        command.arg(self.names.indexes(shard));
        for key in keys {
            command.arg(fields::member(index, key));
        }
        let scores: Vec<Option<u64>> = self.ask(shard, command).await?;
        Ok(scores.into_iter().map(|score| score.map(fields::number)).collect())
    }

    async fn read_log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        let log = (shard, self.names.log(shard, log));
        let limit = signed(limit);
        if limit == 0 || before == Some(0) {
            return Ok(Vec::new());
        }
        let (length, mut entries) = match before.map(signed) {
            None => self.log_part(&log, -limit, -1).await?,
            Some(before) => self.log_part(&log, before.saturating_sub(limit).max(0), before - 1).await?,
        };
        let end = before.unwrap_or(length).min(length);
        if before.is_some_and(|before| before > length) {
            // Nobody was ever told such a number; who asks all the same pays with a second round trip.
            let last = signed(length);
            (_, entries) = self.log_part(&log, last.saturating_sub(limit).max(0), last - 1).await?;
        }
        Ok((0..end).rev().zip(entries.into_iter().rev()).collect())
    }

    /// How long the log is, and its entries from place `from` to place `to`, as `LRANGE` has it. Its numbers would be
    /// wrong if it grew between the two.
    async fn log_part(
        &self,
        (shard, key): &(&Shard, String),
        from: i64,
        to: i64,
    ) -> Result<(u64, Vec<Bytes>), Unavailable> {
        let length = redis::cmd("LLEN").arg(key).to_owned();
        let entries = redis::cmd("LRANGE").arg(key).arg(from).arg(to).to_owned();
        self.ask_together(shard, vec![length, entries]).await
    }

    async fn apply(&self, shard: &Shard, txn: &Txn, confirmed: bool) -> Result<Committed, CommitError> {
        Txn::check_size([txn])?;
        let work = match Plain::new(&self.names, shard, txn) {
            Some(plain) => Work::Plain(plain),
            None => Work::Script(Invocation::new(&self.names, shard, txn, Elsewhere::default(), SystemClock.now())),
        };
        self.carry_out(shard, work, confirmed).await
    }

    async fn apply_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        let now = SystemClock.now();
        let elsewhere = (!self.names.in_cluster).then(|| Elsewhere::new(&self.names, others, now)).flatten();
        let Some(elsewhere) = elsewhere else { return Ok(None) };
        if Txn::check_size(others.iter().map(|(_, txn)| txn).chain([txn])).is_err() {
            return Ok(None);
        }
        let own_bounds = txn.adds.len() + txn.rooms.len();
        let work = Work::Script(Invocation::new(&self.names, shard, txn, elsewhere, now));
        match self.carry_out(shard, work, true).await {
            Err(CommitError::Limit(place)) if place >= own_bounds => Ok(None),
            answer => answer.map(Some),
        }
    }

    async fn carry_out(&self, shard: &Shard, work: Work<'_>, confirmed: bool) -> Result<Committed, CommitError> {
        self.router.run(Names::slot(shard), &Commit { work, confirmed }).await?.into_result()
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
            .field("address", &self.router.address())
            .field("names", &self.names)
            .field("waits_for_replicas", &self.router.options.wait_replicas)
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
        self.router.bounded(self.read_rows(shard, keys)).await
    }

    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.router.bounded(self.read_range(shard, range)).await
    }

    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.router.bounded(self.read_sorted(shard, range)).await
    }

    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.router.bounded(self.read_numbers(shard, index, keys)).await
    }

    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.router.bounded(self.read_log(shard, log, before, limit)).await
    }

    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        self.router.bounded(self.apply(shard, txn, true)).await
    }

    async fn commit_together(
        &self,
        shard: &Shard,
        txn: &Txn,
        others: &[(Shard, Txn)],
    ) -> Result<Option<Committed>, CommitError> {
        self.router.bounded(self.apply_together(shard, txn, others)).await
    }

    /// Something is written for the replicas to confirm: `WAIT` does not speak of what other connections wrote.
    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        if self.router.options.wait_replicas == 0 {
            return Ok(());
        }
        let puts = vec![(Key::lasting(BARRIER), Bytes::new())];
        match self.commit(shard, &Txn { frees: true, puts, ..Txn::default() }).await {
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error),
        }
    }

    fn changes(&self) -> Changes {
        self.hub.listen()
    }

    /// An empty commit: a server that answers `PING` may still be out of memory, or a replica.
    async fn ping(&self) -> Result<(), Unavailable> {
        match self.commit(&Shard::new('p', "ping"), &Txn::default()).await.map_err(CommitError::into_unavailable) {
            Err(Ok(unavailable)) => Err(unavailable),
            Ok(_) | Err(Err(_)) => Ok(()),
        }
    }
}
