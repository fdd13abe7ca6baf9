//! A connection that is cut at one request, and no other.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch::{Receiver, Sender},
};

use super::{Halves, Network, frame};

/// By these a connection introduces itself, or shows that it is alive.
const UNCOUNTED: [&str; 6] = ["AUTH", "CLIENT", "HELLO", "PING", "READONLY", "SELECT"];
/// Who says this listens from then on, and answers come unasked.
const LISTENS: [&str; 3] = ["PSUBSCRIBE", "SSUBSCRIBE", "SUBSCRIBE"];

/// What a server says that is full.
const FULL: &[u8] = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// At which request, counted from 1.
    pub at: usize,
    /// What of it is lost.
    pub lost: Lost,
    /// Whether nothing passes once the connection is cut, on any connection. Otherwise the next is a good one.
    pub lasts: bool,
}

/// What is lost by a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The request: it never reaches the server.
    Request,
    /// The reply: the server has acted, and nobody hears of it.
    Reply,
    /// What would come after the reply.
    Rest,
    /// The room for it: the server says that it is full, and has not acted. The connection stays.
    Room,
}

/// The cut that is to come.
#[derive(Debug)]
pub(super) struct Cuts {
    state: Mutex<State>,
    network: Sender<Network>,
}

#[derive(Debug, Default)]
struct State {
    cut: Option<Cut>,
    counted: usize,
    happened: bool,
}

impl Cuts {
    pub(super) fn new(network: Sender<Network>) -> Self {
        Self { state: Mutex::default(), network }
    }

    pub(super) fn begin(&self, cut: Cut) {
        *self.state() = State { cut: Some(cut), ..State::default() };
    }

    pub(super) fn end(&self) -> bool {
        std::mem::take(&mut *self.state()).happened
    }

    /// Counts a request. What is lost of it, if this is the one.
    fn count(&self, command: &str) -> Option<Lost> {
        let mut state = self.state();
        let cut = state.cut.filter(|_| !UNCOUNTED.contains(&command))?;
        state.counted += 1;
        if state.happened || state.counted != cut.at {
            return None;
        }
        state.happened = true;
        Some(cut.lost)
    }

    /// Whoever notices that the connection is gone finds no other, if the cut lasts.
    fn happen(&self) {
        if self.state().cut.is_some_and(|cut| cut.lasts) {
            self.network.send_replace(Network::Broken);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on one request, then its reply, then the next. `None`: the connection has ended; otherwise it listens now,
/// and its request to do so is passed on.
pub(super) async fn step_by_step(
    client: &mut Halves,
    server: &mut Halves,
    mut network: Receiver<Network>,
    cuts: &Cuts,
) -> Option<()> {
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    loop {
        let Some(length) = frame::length(&requests) else {
            tokio::select! {
                read = client.0.read_buf(&mut requests) => { ended(read)?; }
                // Nobody asked: the server hangs up, or says why it will.
                read = server.0.read_buf(&mut replies) => {
                    ended(read)?;
                    client.1.write_all(&replies).await.ok()?;
                    replies.clear();
                }
            }
            continue;
        };
        network.wait_for(|network| *network == Network::Open).await.ok()?;
        let command = frame::command(&requests[..length]);
        if LISTENS.contains(&&*command) {
            return server.1.write_all(&requests).await.ok();
        }
        let lost = cuts.count(&command);
        if lost == Some(Lost::Request) {
            cuts.happen();
            return None;
        }
        if lost == Some(Lost::Room) {
            client.1.write_all(FULL).await.ok()?;
            requests.drain(..length);
            continue;
        }
        server.1.write_all(&requests[..length]).await.ok()?;
        requests.drain(..length);
        let length = loop {
            match frame::length(&replies) {
                Some(length) => break length,
                None => ended(server.0.read_buf(&mut replies).await)?,
            }
        };
        if lost == Some(Lost::Reply) {
            cuts.happen();
            return None;
        }
        network.wait_for(|network| *network == Network::Open).await.ok()?;
        client.1.write_all(&replies[..length]).await.ok()?;
        replies.drain(..length);
        if lost.is_some() {
            cuts.happen();
            return None;
        }
    }
}

fn ended(read: std::io::Result<usize>) -> Option<()> {
    read.ok().filter(|length| *length > 0).map(|_| ())
}
