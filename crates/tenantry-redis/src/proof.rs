//! Whether notices are proven to arrive, from all primaries.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tenantry_core::change::Signal;
use tokio::sync::Notify;

use crate::{hub::Hub, slots::Primary};

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
    /// What each proven primary says who the primaries are.
    views: HashMap<Primary, Vec<Primary>>,
    up: bool,
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
        self.state().views.is_empty()
    }

    /// What was found out while it was blind.
    pub(crate) fn expect(&self, primaries: Vec<Primary>) {
        let mut state = self.state();
        if state.views.is_empty() {
            state.required = primaries.into_iter().collect();
        }
    }

    /// Everything that `primary` published up to now has been heard, and this is its view. `true`: that is new.
    pub(crate) fn prove(&self, primary: &Primary, view: Vec<Primary>) -> bool {
        let mut state = self.state();
        // A session that is about to be ended has no say any more.
        if !state.required.contains(primary) {
            return false;
        }
        let new = state.views.insert(primary.clone(), view).is_none();
        self.judge(&mut state);
        new
    }

    /// Something that `primary` published may have been missed. `true`: that is new.
    pub(crate) fn lose(&self, primary: &Primary) -> bool {
        let mut state = self.state();
        let new = state.views.remove(primary).is_some();
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
        if !state.views.is_empty() {
            let required = state.views.values().flatten().cloned().collect();
            if required != state.required {
                state.required = required;
                self.changed.notify_one();
            }
        }
        let up = !state.required.is_empty() && state.required.iter().all(|primary| state.views.contains_key(primary));
        if up != state.up {
            state.up = up;
            self.hub.tell(if up { Signal::LinkBack } else { Signal::LinkLost });
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
    use crate::place::Address;

    fn primary(name: &str) -> Primary {
        Primary { id: name.to_owned(), address: Address::new(name, 1) }
    }

    fn primaries(names: &str) -> Vec<Primary> {
        names.split(' ').map(primary).collect()
    }

    fn heard(changes: &mut Changes) -> Option<Signal> {
        changes.next().now_or_never().flatten()
    }

    #[test]
    fn all_primaries_must_be_proven_in_anybodys_view() {
        let hub = Arc::new(Hub::new());
        let mut changes = hub.listen();
        let proof = Proof::new(hub);
        proof.expect(primaries("a b"));
        assert!(proof.prove(&primary("a"), primaries("a b")));
        assert_eq!(heard(&mut changes), None);
        assert!(proof.prove(&primary("b"), primaries("a b")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));

        // One of them knows that another has a slot: its notices must be proven to arrive first.
        assert!(!proof.prove(&primary("b"), primaries("a b c")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkLost));
        proof.prove(&primary("c"), primaries("a b c"));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));

        // A replica takes over from the one that is lost; the others learn it one after the other.
        assert!(proof.lose(&primary("a")));
        assert_eq!(heard(&mut changes), Some(Signal::LinkLost));
        proof.prove(&primary("b"), primaries("r b c"));
        proof.prove(&primary("r"), primaries("r b c"));
        assert_eq!(heard(&mut changes), None, "c still believes that a has slots");
        proof.prove(&primary("c"), primaries("r b c"));
        assert_eq!(heard(&mut changes), Some(Signal::LinkBack));
        assert_eq!(proof.required(), primaries("r b c").into_iter().collect());

        // What a session says that is not needed any more counts for nothing.
        assert!(!proof.prove(&primary("a"), primaries("a")));
        assert_eq!(heard(&mut changes), None);
    }

    #[test]
    fn whoever_sees_nothing_is_told_where_to_look() {
        let proof = Proof::new(Arc::new(Hub::new()));
        assert!(proof.is_blind());
        proof.expect(primaries("a"));
        proof.prove(&primary("a"), primaries("a"));
        assert!(!proof.is_blind());
        proof.expect(primaries("b"));
        assert_eq!(proof.required(), primaries("a").into_iter().collect(), "it sees for itself");
        assert!(proof.lose(&primary("a")));
        proof.expect(primaries("b"));
        assert_eq!(proof.required(), primaries("b").into_iter().collect());
    }
}
