//! One primary's notices: a connection to it, from the subscription until it is lost.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection,
};
use tenantry_core::{
    store::{change::Signal, hub::Hub},
    values::clock::{Clock as _, SystemClock},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    keys::Names,
    notice_proof::Proof,
    pause::random,
    router::{Router, Topology, parse_view},
    server::Server,
    settings::evicts,
    slots::Primary,
};

/// How long after one beat has come back the next is sent.
const BEAT_EVERY: Duration = Duration::from_millis(200);
/// How long a beat may take to come back. With [`BEAT_EVERY`] it bounds how late a dead link is noticed: 500 ms.
const BEAT_TIMEOUT: Duration = Duration::from_millis(300);
/// With every how many beats the primary is asked whether it has gone back in time.
const BEATS_AN_AGE: u64 = 5;
/// How long the sentinels may take to say that the primary is still the one: a frozen one must not end the beat.
const SENTINEL_TIMEOUT: Duration = Duration::from_millis(200);

/// What all sessions of a store work with.
pub(crate) struct Ears {
    pub(crate) router: Arc<Router>,
    pub(crate) names: Names,
    pub(crate) hub: Arc<Hub>,
    pub(crate) proof: Proof,
    /// How far the counters of [`Session::age`] were seen to be, by their keys.
    pub(crate) ages: Mutex<HashMap<String, i64>>,
}

pub(crate) struct Session<'e> {
    pub(crate) ears: &'e Ears,
    pub(crate) primary: &'e Primary,
    pub(crate) server: Server,
    /// In a cluster: the epoch of the primary's slots when the session began.
    pub(crate) epoch: OnceLock<String>,
}

impl Session<'_> {
    /// Forwards notices until the link is lost. Returns why it is.
    pub(crate) async fn run(&self) -> String {
        match self.listen().await {
            Ok(never) => match never {},
            Err(reason) => reason,
        }
    }

    async fn listen(&self) -> Result<std::convert::Infallible, String> {
        let (sender, pushes) = unbounded_channel();
        let connect_timeout = self.ears.router.options.connect_timeout;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect_timeout))
            .set_response_timeout(Some(BEAT_TIMEOUT))
            .set_push_sender(sender);
        // The connection's own time-out covers each step of connecting, not their sum.
        let connected = timeout(connect_timeout, self.server.connect(&config)).await;
        let connected = connected.map_err(|_| "connecting took too long".to_owned())?;
        let mut connection = connected.map_err(|error| self.describe(&error))?;
        if !self.primary.id.is_empty() {
            let id: String = self.ask(redis::cmd("CLUSTER").arg("MYID"), &mut connection).await?;
            if id != self.primary.id {
                return Err(format!("another node has the address: {id}"));
            }
        }
        self.look_at_settings(&mut connection).await;
        let beats = self.ears.names.link(u128::from_le_bytes(random()));
        let notices = self.ears.names.notices(&self.primary.id);
        connection.subscribe(&[notices, beats.clone()]).await.map_err(|error| self.describe(&error))?;
        self.forward(&connection, &beats, pushes).await
    }

    /// A primary that has come since the store was connected is not refused, since the service must go on. What it is set
    /// to is told loudly.
    async fn look_at_settings(&self, connection: &mut MultiplexedConnection) {
        let info = redis::cmd("INFO").arg("memory").query_async::<String>(connection).await;
        // One that does not let us look is taken at its word.
        let reason = info.ok().and_then(|info| evicts(&info, &self.ears.router.options));
        if let Some(reason) = reason {
            tracing::error!(address = %self.primary.address, reason, "Redis may drop what it has acknowledged");
        }
    }

    async fn forward(
        &self,
        connection: &MultiplexedConnection,
        beats: &str,
        mut pushes: UnboundedReceiver<PushInfo>,
    ) -> Result<std::convert::Infallible, String> {
        for number in 1_u64.. {
            let expected = number.to_string();
            if number % BEATS_AN_AGE == 1 {
                self.age(connection.clone()).await?;
            }
            let (sent, deadline) = (SystemClock.elapsed(), Instant::now() + BEAT_TIMEOUT);
            let mut beat = pin!(self.beat(connection.clone(), beats, &expected));
            let (mut back, mut view) = (false, None);
            while !back || view.is_none() {
                tokio::select! {
                    // What has arrived counts, also when this task was late to look.
                    biased;
                    push = pushes.recv() => back |= self.hear(push, beats)?.is_some_and(|beat| beat == expected),
                    answer = &mut beat, if view.is_none() => view = Some(answer?),
                    () = sleep_until(deadline) => {
                        return Err(format!("no beat came back within {} ms", BEAT_TIMEOUT.as_millis()));
                    }
                }
            }
            if self.ears.proof.prove(self.primary, sent, view.unwrap_or_default()) {
                tracing::info!(address = %self.primary.address, "change notices arrive");
            }
            let wake = Instant::now() + BEAT_EVERY;
            loop {
                tokio::select! {
                    biased;
                    push = pushes.recv() => self.hear(push, beats)?,
                    () = sleep_until(wake) => break,
                };
            }
        }
        Err("there are no more numbers for beats".to_owned())
    }

    /// Counts one further on the primary, and looks whether the counter is behind what was seen of it: then the primary
    /// has lost what it had. One that takes no writes just now says nothing.
    async fn age(&self, mut connection: MultiplexedConnection) -> Result<(), String> {
        let Some(shard) = self.ears.router.shard_at(&self.primary.address) else { return Ok(()) };
        let key = self.ears.names.rows(&shard);
        let count = redis::cmd("HINCRBY").arg(&key).arg("age").arg(1).query_async::<i64>(&mut connection).await;
        let count = match count {
            Ok(count) => count,
            Err(error) if error.code().is_some() => return Ok(()),
            Err(error) => return Err(self.describe(&error)),
        };
        let mut ages = self.ears.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = ages.insert(key, count).unwrap_or(0);
        if count > seen {
            return Ok(());
        }
        let address = &self.primary.address;
        tracing::error!(%address, seen, count, "Redis has lost what it had acknowledged: see to its persistence, and repair");
        Err(format!("it has gone back in time, from {seen} to {count}"))
    }

    /// Publishes a beat, and asks who the primaries are: one that is none any more may still publish.
    async fn beat(
        &self,
        mut connection: MultiplexedConnection,
        beats: &str,
        number: &str,
    ) -> Result<Vec<Primary>, String> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(beats).arg(number);
        match &self.ears.router.topology {
            Topology::Cluster => {
                let mut pipeline = Pipeline::new();
                pipeline.add_command(publish).ignore();
                pipeline.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
                let answer: (String, Value) =
                    pipeline.query_async(&mut connection).await.map_err(|error| self.describe(&error))?;
                self.check_epoch(&answer.0)?;
                let (map, served) = parse_view(answer, &self.primary.address)?;
                let primaries = map.primaries();
                if !served {
                    return Err("it is cut off from most of the cluster".to_owned());
                }
                if !primaries.iter().any(|primary| primary.id == self.primary.id) {
                    self.abandon();
                    return Err("it has no slots any more".to_owned());
                }
                return Ok(primaries);
            }
            Topology::Node | Topology::Sentinel(_) => self.ask::<()>(&publish, &mut connection).await?,
        }
        let still = self.server.check_role(&mut connection).await;
        still.inspect_err(|_| self.abandon()).map_err(|error| self.describe(&error))?;
        if let Topology::Sentinel(sentinels) = &self.ears.router.topology {
            let confirmed = sentinels.confirm(&self.primary.address, SENTINEL_TIMEOUT).await;
            confirmed.inspect_err(|_| self.abandon())?;
        }
        Ok(vec![self.primary.clone()])
    }

    /// It changes whenever the primary gets slots from another. Between two beats they may have gone and come back, and
    /// what the other published meanwhile was not heard.
    fn check_epoch(&self, info: &str) -> Result<(), String> {
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_my_epoch:")).unwrap_or_default().trim_end();
        if self.epoch.get_or_init(|| epoch.to_owned()) == epoch {
            return Ok(());
        }
        Err("it has got slots from another".to_owned())
    }

    async fn ask<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
        connection: &mut MultiplexedConnection,
    ) -> Result<T, String> {
        command.query_async(connection).await.map_err(|error| self.describe(&error))
    }

    /// Forwards what was heard; if it is a beat, answers its number.
    fn hear(&self, push: Option<PushInfo>, beats: &str) -> Result<Option<String>, String> {
        let push = push.ok_or("the connection was closed")?;
        match push.kind {
            // The server hung up, or ended the subscription: nothing will arrive any more.
            PushKind::Disconnection | PushKind::Unsubscribe => Err("the connection was closed".to_owned()),
            PushKind::Message => {
                let mut words = push.data.into_iter().map(|word| match word {
                    Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    Value::SimpleString(text) => text,
                    _ => String::new(),
                });
                let (channel, text) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                if channel == beats {
                    return Ok(Some(text));
                }
                self.tell(&text);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn tell(&self, text: &str) {
        if let Ok(change) = text.parse() {
            // Nobody hears it who has not been told that all primaries are proven.
            return self.ears.hub.tell(Signal::Changed(change));
        }
        // A newer version says something that this one does not understand: anything may have changed.
        tracing::info!(address = %self.primary.address, "a change notice of another version has arrived");
        self.ears.proof.doubt();
    }

    /// It is no primary any more, or another may be: calls look for the primary anew.
    fn abandon(&self) {
        if let Ok(node) = self.ears.router.node(&self.primary.address) {
            node.abandon();
        }
    }

    fn describe(&self, error: &RedisError) -> String {
        self.server.describe(error)
    }
}
