//! An entry that was left behind tells nothing false, and is pruned once nobody can be about to make it true.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tenantry_core::{
    caller::Caller,
    clock::{Clock as _, SystemClock},
    engine::Engine,
    limits,
    operation::{Operation, Request},
    operations::{invitations, organizations},
    registry::Registry,
    store::{
        Changes, CommitError, Committed, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn, Unavailable,
    },
};
use tenantry_testing::{actors, model::ManualClock};

/// A store that loses what is to be removed from an address's list while that is `away`.
#[derive(Debug)]
struct Losing {
    store: Arc<dyn Store>,
    away: AtomicBool,
    /// How many entries the last address's list had.
    listed: AtomicUsize,
}

#[async_trait]
impl Store for Losing {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.store.read(shard, keys).await
    }
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        let entries = self.store.range(shard, range).await?;
        if shard.as_str().starts_with("a:") {
            self.listed.store(entries.len(), Ordering::SeqCst);
        }
        Ok(entries)
    }
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.store.sorted_range(shard, range).await
    }
    async fn numbers(&self, shard: &Shard, index: &str, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
        self.store.numbers(shard, index, keys).await
    }
    async fn log(
        &self,
        shard: &Shard,
        log: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Unavailable> {
        self.store.log(shard, log, before, limit).await
    }
    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        let removal = shard.as_str().starts_with("a:") && !txn.index_deletes.is_empty();
        if removal && self.away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("lost").into());
        }
        self.store.commit(shard, txn).await
    }
    fn changes(&self) -> Changes {
        self.store.changes()
    }
    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

async fn must<O: Operation>(engine: &Engine, caller: &Caller, input: Value) -> O::Output {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(caller.clone()), &operation).await.expect("nothing is in the way")
}

#[tokio::test]
async fn what_a_crash_left_in_an_addresss_list_is_pruned() {
    let store = Arc::new(Losing {
        store: crate::in_memory().store().clone(),
        away: AtomicBool::new(true),
        listed: AtomicUsize::new(0),
    });
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let registry = Registry::builder().build().expect("what is built in fits together");
    let engine = Engine::builder(store.clone(), registry).clock(clock.clone()).build();
    let (alice, bob) = (actors::alice(), actors::bob());
    let id = must::<organizations::Create>(&engine, &alice, json!({ "name": "Acme" })).await.organization.id;
    let invite = json!({ "organizationId": id, "username": "bob" });
    let left = must::<invitations::Create>(&engine, &alice, invite.clone()).await.invitation;
    must::<invitations::Revoke>(&engine, &alice, json!({ "organizationId": id, "id": left.id })).await;
    let open = must::<invitations::Create>(&engine, &alice, invite).await.invitation;
    store.away.store(false, Ordering::SeqCst);

    // What was listed is counted before it is pruned.
    let settled = limits::ENTRY_SETTLING + Duration::from_secs(2);
    for (passes, listed) in [(Duration::ZERO, 2), (settled, 2), (Duration::ZERO, 1)] {
        clock.advance(passes);
        let waiting = must::<invitations::Mine>(&engine, &bob, json!({})).await.invitations;
        assert_eq!(waiting, std::slice::from_ref(&open), "what is not so is not told");
        assert_eq!(store.listed.load(Ordering::SeqCst), listed);
    }
}
