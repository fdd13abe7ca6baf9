//! Tells every listener what was committed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_util::stream;
use tenantry_core::{change::Signal, store::Changes};
use tokio::sync::broadcast::{self, error::RecvError};

/// How many signals a listener may be behind before it must forget what it knew.
const BACKLOG_MAX: usize = 4096;

/// The listeners of one store.
#[derive(Debug)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Debug)]
struct State {
    /// `false` once the writer has died: a notice of its last batch may be missing.
    alive: bool,
    sender: broadcast::Sender<Signal>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { alive: true, sender: broadcast::Sender::new(BACKLOG_MAX) }))
    }

    /// Tells all listeners.
    pub(crate) fn tell(&self, signal: Signal) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match signal {
            Signal::Changed(_) | Signal::Proven(_) => {}
            Signal::LinkLost => state.alive = false,
            Signal::LinkBack => state.alive = true,
        }
        // An error says that nobody listens.
        let _ = state.sender.send(signal);
    }

    /// Begins to listen. Under the lock, so that no signal falls between the state and the first one received.
    fn attach(&self) -> (bool, broadcast::Receiver<Signal>) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.alive, state.sender.subscribe())
    }

    /// A stream of all signals from now on. It does not keep the store open; when the store is dropped, it says
    /// `LinkLost` and ends.
    pub(crate) fn listen(self: &Arc<Self>) -> Changes {
        let (alive, receiver) = self.attach();
        let pending = alive.then_some(Signal::LinkBack).into_iter().collect();
        let listener = Listener { hub: Arc::downgrade(self), receiver: Some(receiver), pending };
        Box::pin(stream::unfold(listener, |mut listener| async { Some((listener.next().await?, listener)) }))
    }
}

struct Listener {
    hub: Weak<Hub>,
    receiver: Option<broadcast::Receiver<Signal>>,
    pending: VecDeque<Signal>,
}

impl Listener {
    async fn next(&mut self) -> Option<Signal> {
        if let Some(signal) = self.pending.pop_front() {
            return Some(signal);
        }
        match self.receiver.as_mut()?.recv().await {
            Ok(signal) => Some(signal),
            Err(RecvError::Closed) => {
                self.receiver = None;
                Some(Signal::LinkLost)
            }
            Err(RecvError::Lagged(_)) => {
                // Begin anew: what was missed may have been the writer's death, too.
                let attached = self.hub.upgrade().map(|hub| hub.attach());
                self.pending.extend(attached.as_ref().filter(|(alive, _)| *alive).map(|_| Signal::LinkBack));
                self.receiver = attached.map(|(_, receiver)| receiver);
                Some(Signal::LinkLost)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tenantry_core::{change::Change, clock::Timestamp, ids::OrganizationId};

    use super::*;

    #[tokio::test]
    async fn a_listener_that_lags_is_told_to_forget() {
        let hub = Arc::new(Hub::new());
        let mut signals = hub.listen();
        let change =
            Signal::Changed(Change::Organization(OrganizationId::from_parts(Timestamp::from_millis(1), [1; 10])));
        for _ in 0..=BACKLOG_MAX {
            hub.tell(change.clone());
        }
        assert_eq!(signals.next().await, Some(Signal::LinkBack));
        assert_eq!(signals.next().await, Some(Signal::LinkLost));
        assert_eq!(signals.next().await, Some(Signal::LinkBack));
        hub.tell(change.clone());
        assert_eq!(signals.next().await, Some(change));
        drop(hub);
        assert_eq!(signals.next().await, Some(Signal::LinkLost));
        assert_eq!(signals.next().await, None);
    }
}
