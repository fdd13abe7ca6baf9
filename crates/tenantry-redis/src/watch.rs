//! The subscription, and the proof that it works.
//!
//! One task for each store. On one connection it subscribes to the notices and to a channel of its own, and publishes
//! a beat to the latter again and again. Redis sends a connection everything in order: a beat that comes back proves
//! that all notices published before it have come, too. An answered `PING` would prove only that the server lives.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tenantry_core::{
    change::Signal,
    entropy::{Entropy, SystemEntropy},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{hub::Hub, keys::Names, link::Server};

/// How long after one beat has come back the next is sent.
const BEAT_EVERY: Duration = Duration::from_millis(200);
/// How long a beat may take to come back. With [`BEAT_EVERY`] it bounds how late a dead link is noticed: 500 ms.
const BEAT_TIMEOUT: Duration = Duration::from_millis(300);
/// The pause before the first attempt to connect anew; each further one is twice as long, with jitter, up to
/// [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What the task works with.
pub(crate) struct Watch {
    pub(crate) server: Server,
    pub(crate) names: Names,
    pub(crate) hub: Arc<Hub>,
    pub(crate) connect_timeout: Duration,
}

impl Watch {
    /// Works until it is aborted.
    pub(crate) async fn run(self) {
        let mut pause = PAUSE_MIN;
        loop {
            let mut session = Session { watch: &self, proven: false };
            let reason = session.run().await;
            if session.proven {
                self.hub.tell(Signal::LinkLost);
                tracing::warn!(address = %self.server.address, reason, "the link for change notices is lost");
                pause = PAUSE_MIN;
            } else {
                tracing::debug!(address = %self.server.address, reason, "the link for change notices is still lost");
            }
            sleep(pause.mul_f64(jitter())).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// From a half up to the whole: a restarted server is not met by all nodes at the same moment.
fn jitter() -> f64 {
    0.5 + f64::from(u32::from_le_bytes(random())) / f64::from(u32::MAX) / 2.0
}

/// Random bytes; zeros, should the system have none: that costs the jitter, and nothing depends on it.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = SystemEntropy.fill(&mut bytes);
    bytes
}

/// One connection's life.
struct Session<'w> {
    watch: &'w Watch,
    /// Whether a beat has come back: the listeners have been told that notices arrive.
    proven: bool,
}

impl Session<'_> {
    /// Forwards notices until the link is lost. Returns why it is.
    async fn run(&mut self) -> String {
        let (sender, mut pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.watch.connect_timeout))
            .set_response_timeout(Some(BEAT_TIMEOUT))
            .set_push_sender(sender);
        // The connection's own time-out covers each step of connecting, not their sum.
        let connected = timeout(self.watch.connect_timeout, self.watch.server.connect(&config)).await;
        let mut connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return self.watch.server.describe(&error),
            Err(_) => return "connecting took too long".to_owned(),
        };
        let beats = self.watch.names.link(u128::from_le_bytes(random()));
        let channels = [self.watch.names.changes(), beats.clone()];
        if let Err(error) = connection.subscribe(&channels).await {
            return self.watch.server.describe(&error);
        }
        self.forward(&mut connection, &beats, &mut pushes).await
    }

    async fn forward(
        &mut self,
        connection: &mut MultiplexedConnection,
        beats: &str,
        pushes: &mut UnboundedReceiver<PushInfo>,
    ) -> String {
        let mut number: u64 = 0;
        let mut awaited = false;
        let mut wake = Instant::now();
        loop {
            tokio::select! {
                // What has arrived counts, also when this task was late to look.
                biased;
                push = pushes.recv() => match push.map(|push| heard(push, beats)) {
                    None | Some(Heard::Closed) => return "the connection was closed".to_owned(),
                    Some(Heard::Beat(text)) if awaited && text == number.to_string() => {
                        (awaited, wake) = (false, Instant::now() + BEAT_EVERY);
                        self.prove();
                    }
                    Some(Heard::Notice(text)) if self.proven => self.tell(&text),
                    Some(Heard::Notice(_) | Heard::Beat(_) | Heard::Nothing) => {}
                },
                () = sleep_until(wake) => {
                    if awaited {
                        return format!("no beat came back within {} ms", BEAT_TIMEOUT.as_millis());
                    }
                    number += 1;
                    (awaited, wake) = (true, Instant::now() + BEAT_TIMEOUT);
                    let publish = redis::cmd("PUBLISH").arg(beats).arg(number).to_owned();
                    if let Err(error) = publish.query_async::<()>(connection).await {
                        return self.watch.server.describe(&error);
                    }
                }
            }
        }
    }

    fn prove(&mut self) {
        if !self.proven {
            self.proven = true;
            self.watch.hub.tell(Signal::LinkBack);
            tracing::info!(address = %self.watch.server.address, "change notices arrive");
        }
    }

    fn tell(&self, text: &str) {
        if let Ok(change) = text.parse() {
            return self.watch.hub.tell(Signal::Changed(change));
        }
        // A newer version says something that this one does not understand: anything may have changed.
        tracing::info!(address = %self.watch.server.address, "a change notice of another version has arrived");
        self.watch.hub.tell(Signal::LinkLost);
        self.watch.hub.tell(Signal::LinkBack);
    }
}

enum Heard {
    Notice(String),
    Beat(String),
    Closed,
    Nothing,
}

fn heard(push: PushInfo, beats: &str) -> Heard {
    match push.kind {
        // The server hung up, or ended the subscription: nothing will arrive any more.
        PushKind::Disconnection | PushKind::Unsubscribe => Heard::Closed,
        PushKind::Message => {
            let mut words = push.data.into_iter().map(|word| match word {
                Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Value::SimpleString(text) => text,
                _ => String::new(),
            });
            let (channel, text) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if channel == beats { Heard::Beat(text) } else { Heard::Notice(text) }
        }
        _ => Heard::Nothing,
    }
}
