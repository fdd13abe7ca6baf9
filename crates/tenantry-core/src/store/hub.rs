//! For authors of a store: passes what was committed on to all listeners of [`Store::changes`](super::Store::changes),
//! as the [contract](super#a-listeners-life) requires. Feature `store-kit`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::stream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::Changes;
use crate::store::change::Signal;

/// How many signals a listener may be behind before it loses some and has to clear its cache.
const BACKLOG_MAX: usize = 4096;

/// The listeners of one store.
///
/// ```
/// use std::sync::Arc;
///
/// use futures_util::StreamExt as _;
/// use tenantry_core::store::{change::Signal, hub::Hub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let hub = Arc::new(Hub::new());
/// hub.tell(Signal::LinkBack);
/// let mut changes = hub.listen();
/// assert_eq!(changes.next().await, Some(Signal::LinkBack));
/// drop(hub);
/// assert_eq!(changes.next().await, Some(Signal::LinkLost));
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Hub(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Whether notices arrive.
    up: bool,
    /// The last proof that they do. It is kept when the link is lost: a listener that begins later must count its trust
    /// from this proof, not from its own beginning.
    proven: Option<Duration>,
    sender: broadcast::Sender<Signal>,
}

impl Default for State {
    fn default() -> Self {
        Self { up: false, proven: None, sender: broadcast::Sender::new(BACKLOG_MAX) }
    }
}

impl Hub {
    /// A hub without listeners. Its link counts as lost until it is told [`Signal::LinkBack`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `signal` to all listeners, except those that still wait for the link.
    pub fn tell(&self, signal: Signal) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match signal {
            Signal::Changed(_) => {}
            Signal::Proven(at) => state.proven = Some(at),
            Signal::LinkLost => state.up = false,
            Signal::LinkBack => state.up = true,
        }
        // Repeat the last proof when the link is back: a listener without any would trust its cache without a limit
        // until the next one.
        let again = state.proven.filter(|_| signal == Signal::LinkBack).map(Signal::Proven);
        for signal in std::iter::once(signal).chain(again) {
            // An error only means that nobody listens.
            let _ = state.sender.send(signal);
        }
    }

    /// Starts a listener: the signals that it must hear first, and the receiver of those that follow. Both are taken
    /// under the lock, so that no signal falls between them.
    fn attach(&self) -> (VecDeque<Signal>, broadcast::Receiver<Signal>) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = [Some(Signal::LinkBack), state.proven.map(Signal::Proven)];
        let pending = begin.into_iter().flatten().filter(|_| state.up).collect();
        (pending, state.sender.subscribe())
    }

    /// A stream of all signals from now on. It does not keep the hub alive: when the hub is dropped, the stream says
    /// [`Signal::LinkLost`] and ends.
    #[must_use]
    pub fn listen(self: &Arc<Self>) -> Changes {
        let listener = Listener::new(Arc::downgrade(self), self.attach());
        Box::pin(stream::unfold(listener, |mut listener| async { Some((listener.next().await?, listener)) }))
    }
}

struct Listener {
    hub: Weak<Hub>,
    receiver: Option<broadcast::Receiver<Signal>>,
    pending: VecDeque<Signal>,
    /// Whether the last signal it heard was not `LinkLost`: it hears nothing before its first `LinkBack`, and
    /// `LinkLost` only once in a row.
    up: bool,
}

impl Listener {
    fn new(hub: Weak<Hub>, (pending, receiver): (VecDeque<Signal>, broadcast::Receiver<Signal>)) -> Self {
        Self { hub, receiver: Some(receiver), pending, up: false }
    }

    async fn next(&mut self) -> Option<Signal> {
        loop {
            let signal = match self.pending.pop_front() {
                Some(signal) => signal,
                None => self.receive().await?,
            };
            let before = std::mem::replace(&mut self.up, signal != Signal::LinkLost);
            if before || signal == Signal::LinkBack {
                return Some(signal);
            }
            // This listener still waits for the link.
            self.up = false;
        }
    }

    async fn receive(&mut self) -> Option<Signal> {
        match self.receiver.as_mut()?.recv().await {
            Ok(signal) => Some(signal),
            Err(RecvError::Closed) => {
                self.receiver = None;
                Some(Signal::LinkLost)
            }
            Err(RecvError::Lagged(_)) => {
                // Attach again to learn the present state: the link may have been lost for everybody meanwhile.
                let (pending, receiver) = self.hub.upgrade().map(|hub| hub.attach()).unzip();
                self.pending.extend(pending.unwrap_or_default());
                self.receiver = receiver;
                Some(Signal::LinkLost)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::change::Change,
        values::{clock::Timestamp, ids::OrganizationId},
    };
    use futures_util::StreamExt;

    fn changed() -> Signal {
        Signal::Changed(Change::Organization(OrganizationId::from_parts(Timestamp::from_millis(1), [1; 10])))
    }

    #[tokio::test]
    async fn a_listener_begins_with_link_back() {
        let hub = Arc::new(Hub::new());
        let mut early = hub.listen();
        hub.tell(Signal::LinkLost);
        hub.tell(changed());
        hub.tell(Signal::LinkBack);
        let mut late = hub.listen();
        hub.tell(changed());
        for signals in [&mut early, &mut late] {
            assert_eq!(signals.next().await, Some(Signal::LinkBack));
            assert_eq!(signals.next().await, Some(changed()));
        }
        drop(hub);
        assert_eq!(early.next().await, Some(Signal::LinkLost));
        assert_eq!(early.next().await, None);
    }

    #[tokio::test]
    async fn a_listener_that_comes_later_is_told_the_last_proof() {
        let hub = Arc::new(Hub::new());
        let proven = Signal::Proven(Duration::from_secs(7));
        hub.tell(Signal::LinkBack);
        hub.tell(proven.clone());
        let mut late = hub.listen();
        assert_eq!(late.next().await, Some(Signal::LinkBack));
        assert_eq!(late.next().await, Some(proven.clone()));

        // A lost link makes the last proof neither older nor younger.
        hub.tell(Signal::LinkLost);
        let mut later = hub.listen();
        hub.tell(Signal::LinkBack);
        let mut last = hub.listen();
        hub.tell(changed());
        for expected in [Signal::LinkBack, proven, changed()] {
            for signals in [&mut later, &mut last] {
                assert_eq!(signals.next().await, Some(expected.clone()));
            }
        }
    }

    #[tokio::test]
    async fn a_listener_that_lags_is_told_to_forget() {
        let hub = Arc::new(Hub::new());
        hub.tell(Signal::LinkBack);
        let mut signals = hub.listen();
        let flood = || (0..=BACKLOG_MAX).for_each(|_| hub.tell(changed()));
        assert_eq!(signals.next().await, Some(Signal::LinkBack));
        flood();
        assert_eq!(signals.next().await, Some(Signal::LinkLost));
        assert_eq!(signals.next().await, Some(Signal::LinkBack));
        flood();
        hub.tell(Signal::LinkLost);
        assert_eq!(signals.next().await, Some(Signal::LinkLost));
        hub.tell(Signal::LinkBack);
        assert_eq!(signals.next().await, Some(Signal::LinkBack));
    }
}
