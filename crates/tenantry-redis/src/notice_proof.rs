//! Whether notices are proven to arrive, from all primaries.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tenantry_core::store::{change::Signal, hub::Hub};
use tokio::sync::Notify;

use crate::slots::Primary;

/// Adds up what the sessions prove, and tells the listeners when it becomes enough, or too little.
///
/// Every primary that has slots in *anybody's* view must be proven: while views differ (a slot has just moved, a
/// replica has just taken over), that is more than there are, never less.
pub(crate) struct Proof {
    hub: Arc<Hub>,
    state: Mutex<State>,
    /// Somebody else is required than before, or somebody was lost.
    pub(crate) changed: Notify,
}

#[derive(Default)]
struct State {
    required: BTreeSet<Primary>,
    proven: HashMap<Primary, Proven>,
    up: bool,
    /// Since when all primaries are proven, as the listeners were last told.
    told: Option<Duration>,
}

/// What is known of one primary.
struct Proven {
    /// Everything that it published before has been heard: by the clock of [`Signal::Proven`].
    before: Duration,
    /// Who the primaries are, as it says.
    view: Vec<Primary>,
}

impl Proof {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, state: Mutex::default(), changed: Notify::new() }
    }

    pub(crate) fn required(&self) -> BTreeSet<Primary> {
        self.state().required.clone()
    }

    /// Nobody is proven: who the primaries are must be found out otherwise.
    pub(crate) fn is_blind(&self) -> bool {
        self.state().proven.is_empty()
    }

    /// What was found out while it was blind.
    pub(crate) fn expect(&self, primaries: Vec<Primary>) {
        let mut state = self.state();
        if state.proven.is_empty() {
            state.required = primaries.into_iter().collect();
        }
    }

    /// Everything that `primary` published `before` then has been heard, and this is its view. `true`: it was not proven.
    pub(crate) fn prove(&self, primary: &Primary, before: Duration, view: Vec<Primary>) -> bool {
        let mut state = self.state();
        // A session that is about to be ended has no say any more.
        if !state.required.contains(primary) {
            return false;
        }
        let new = state.proven.insert(primary.clone(), Proven { before, view }).is_none();
        self.judge(&mut state);
        self.tell_since_when(&mut state);
        new
    }

    /// Something that `primary` published may have been missed. `true`: it was proven.
    pub(crate) fn lose(&self, primary: &Primary) -> bool {
        let mut state = self.state();
        let new = state.proven.remove(primary).is_some();
        self.judge(&mut state);
        if new {
            self.changed.notify_one();
        }
        new
    }

    /// Something was heard that may mean anything.
    pub(crate) fn doubt(&self) {
        if self.state().up {
            self.hub.tell(Signal::LinkLost);
            self.hub.tell(Signal::LinkBack);
        }
    }

    fn judge(&self, state: &mut State) {
        if !state.proven.is_empty() {
            let required = state.proven.values().flat_map(|proven| &proven.view).cloned().collect();
            if required != state.required {
                state.required = required;
                self.changed.notify_one();
            }
        }
        let up = !state.required.is_empty() && state.required.iter().all(|primary| state.proven.contains_key(primary));
        if up != state.up {
            state.up = up;
            self.hub.tell(if up { Signal::LinkBack } else { Signal::LinkLost });
        }
    }

    /// As the one primary is proven that has been so for the longest time.
    fn tell_since_when(&self, state: &mut State) {
        let Some(before) = state.proven.values().map(|proven| proven.before).min() else { return };
        if state.up && state.told.is_none_or(|told| before > told) {
            state.told = Some(before);
            self.hub.tell(Signal::Proven(before));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};
    use tenantry_core::store::Changes;

    use super::*;
    use crate::address::Address;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn primary(name: &str) -> Primary {
        Primary { id: name.to_owned(), address: Address::new(name, 1) }
    }

    fn primaries(names: &str) -> Vec<Primary> {
        names.split(' ').map(primary).collect()
    }

    /// The next signal that is no proof.
    fn heard(changes: &mut Changes) -> Option<Signal> {
        changes
            .filter(|signal| std::future::ready(!matches!(signal, Signal::Proven(_))))
            .next()
            .now_or_never()
            .flatten()
    }

    #[test]
    fn all_is_proven_since_the_first_of_the_last_beats() {
        let hub = Arc::new(Hub::new());
        let mut changes = hub.listen();
        let proof = Proof::new(hub);
        let (a, b) = (primary("a"), primary("b"));
        proof.expect(primaries("a b"));
        for (primary, time) in [(&a, 1), (&b, 2), (&b, 3), (&b, 4), (&a, 5), (&b, 6)] {
            proof.prove(primary, at(time), primaries("a b"));
        }
        let told = std::iter::from_fn(|| changes.next().now_or_never().flatten()).collect::<Vec<_>>();
        assert_eq!(told, [Signal::LinkBack, Signal::Proven(at(1)), Signal::Proven(at(4)), Signal::Proven(at(5))]);
    }

    #[test]
    fn all_primaries_must_be_proven_in_anybodys_view() {
        let hub = Arc::new(Hub::new());
        let mut changes = hub.listen();
        let proof = Proof::new(hub);
        proof.expect(primaries("a b"));
        assert!(proof.prove(&primary("a"), at(0), primaries("a b")));
        assert_eq!(heard(&mut changes), None);
        assert!(proof.prove(&primary("b"), at(0), primaries("a b")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));

        // One of them knows that another has a slot: its notices must be proven to arrive first.
        assert!(!proof.prove(&primary("b"), at(0), primaries("a b c")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkLost));
        proof.prove(&primary("c"), at(0), primaries("a b c"));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));

        // A replica takes over from the one that is lost; the others learn it one after the other.
        assert!(proof.lose(&primary("a")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkLost));
        proof.prove(&primary("b"), at(0), primaries("r b c"));
        proof.prove(&primary("r"), at(0), primaries("r b c"));
        assert_eq!(heard(&mut changes), None, "c still believes that a has slots");
        proof.prove(&primary("c"), at(0), primaries("r b c"));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));
        assert_eq!(proof.required(), primaries("r b c").into_iter().collect());

        // What a session says that is not needed any more counts for nothing.
        assert!(!proof.prove(&primary("a"), at(0), primaries("a")));
        assert_eq!(heard(&mut changes), None);
    }

    #[test]
    fn whoever_sees_nothing_is_told_where_to_look() {
        let proof = Proof::new(Arc::new(Hub::new()));
        assert!(proof.is_blind());
        proof.expect(primaries("a"));
        proof.prove(&primary("a"), at(0), primaries("a"));
        assert!(!proof.is_blind());
        proof.expect(primaries("b"));
        assert_eq!(proof.required(), primaries("a").into_iter().collect(), "it sees for itself");
        assert!(proof.lose(&primary("a")));
        proof.expect(primaries("b"));
        assert_eq!(proof.required(), primaries("b").into_iter().collect());
    }
}
