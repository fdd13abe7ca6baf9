//! One load for all who ask for the same at the same time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

/// Loads that are under way, by key. A load goes on while at least one waits for it.
pub(crate) struct InFlight<T: Clone>(Arc<Inner<T>>);

type Load<T> = BoxFuture<'static, T>;

/// By key; the number tells a load from a later one of the same key.
type UnderWay<T> = HashMap<u128, (u64, WeakShared<Load<T>>)>;

struct Inner<T: Clone> {
    under_way: Mutex<UnderWay<T>>,
    count: AtomicU64,
}

impl<T: Clone + Send + Sync + 'static> InFlight<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { under_way: Mutex::default(), count: AtomicU64::new(0) }))
    }

    /// The load of `key` that is under way, or else the one that `load` begins; and whether it begins now.
    pub(crate) fn join(&self, key: u128, load: impl FnOnce() -> Load<T>) -> (Shared<Load<T>>, bool) {
        let mut under_way = self.0.lock();
        if let Some(shared) = under_way.get(&key).and_then(|(_, weak)| weak.upgrade()) {
            return (shared, false);
        }
        let number = self.0.count.fetch_add(1, Ordering::Relaxed);
        let landing = RemoveWhenDone { inner: self.0.clone(), key, number };
        let load = load();
        let load = async move {
            let _landing = landing;
            load.await
        };
        let shared = load.boxed().shared();
        if let Some(weak) = shared.downgrade() {
            under_way.insert(key, (number, weak));
        }
        (shared, true)
    }
}

impl<T: Clone> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, UnderWay<T>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a load off the list when it ends, or when nobody waits for it any more.
struct RemoveWhenDone<T: Clone> {
    inner: Arc<Inner<T>>,
    key: u128,
    number: u64,
}

impl<T: Clone> Drop for RemoveWhenDone<T> {
    fn drop(&mut self) {
        let mut under_way = self.inner.lock();
        if under_way.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn those_who_come_during_a_load_share_it_and_the_list_empties() {
        let in_flight = InFlight::new();
        let (answer, answered) = oneshot::channel();
        let (first, begins) = in_flight.join(1, || async { answered.await.unwrap() }.boxed());
        assert!(begins);
        let (second, begins) = in_flight.join(1, || panic!("the first is under way"));
        assert!(!begins);
        answer.send(7).unwrap();
        assert_eq!(future::join(first, second).await, (7, 7));
        assert!(in_flight.0.lock().is_empty());
        assert_eq!(in_flight.join(1, || future::ready(8).boxed()).0.await, 8);
    }

    #[tokio::test]
    async fn a_load_that_nobody_waits_for_is_given_up() {
        let in_flight = InFlight::<u8>::new();
        drop(in_flight.join(1, || future::pending().boxed()));
        assert!(in_flight.0.lock().is_empty());
        assert_eq!(in_flight.join(1, || future::ready(8).boxed()).0.await, 8);
    }
}
