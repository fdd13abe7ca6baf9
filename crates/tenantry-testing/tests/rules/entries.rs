//! An entry that was left behind tells nothing false, and is pruned once nobody can be about to make it true.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        idempotency::IdempotencyKey,
        operation::{Operation, Request},
    },
    host::Host,
    operations::{invitations, organizations},
    store::{Shard, Txn, Unavailable},
    values::{
        clock::{Clock as _, SystemClock},
        error::ErrorKind,
        limits,
    },
};
use tenantry_testing::{actors, model::ManualClock};

use crate::meddled::{Meddled, Meddling, Severed};

/// What is to be removed from an address's list is lost while that is `away`.
#[derive(Debug)]
struct Losing {
    away: AtomicBool,
    /// How many entries the last address's list had.
    listed: AtomicUsize,
}

#[async_trait]
impl Meddling for Losing {
    fn listed(&self, shard: &Shard, entries: usize) {
        if shard.as_str().starts_with("a:") {
            self.listed.store(entries, Ordering::SeqCst);
        }
    }
    async fn before_commit(&self, shard: &Shard, txn: &Txn) -> Result<(), Unavailable> {
        let removal = shard.as_str().starts_with("a:") && !txn.sorted_deletes.is_empty();
        if removal && self.away.load(Ordering::SeqCst) { Err(Unavailable::new("lost")) } else { Ok(()) }
    }
}

async fn must<O: Operation>(engine: &Engine, caller: &Caller, input: Value) -> O::Output {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(caller.clone()), &operation).await.expect("nothing is in the way")
}

#[tokio::test]
async fn what_a_crash_left_in_the_list_of_an_address_is_pruned() {
    let losing = Losing { away: AtomicBool::new(true), listed: AtomicUsize::new(0) };
    let store = Meddled::new(crate::in_memory().store().clone(), losing);
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

#[tokio::test]
async fn what_a_lost_try_counted_as_owned_is_no_reason_to_refuse_the_next() {
    let severed = Severed::over(crate::in_memory().store().clone(), true);
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let registry = Registry::builder().build().expect("what is built in fits together");
    let host = Host::default().organizations_owned_max(1);
    let engine = Engine::builder(severed.clone(), registry).clock(clock.clone()).host(host).build();
    let key = IdempotencyKey::new("7f1c").expect("it is visible ASCII");
    let request = Request::new(actors::alice()).idempotency_key(Some(key));
    let create = json!({ "name": "Acme" });
    let create: organizations::Create = serde_json::from_value(create).expect("the test gives valid inputs");
    let refused = engine.run(&request, &create).await.expect_err("the organization is cut off");
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
    severed.cut.store(false, Ordering::SeqCst);
    // The first try is fenced off; for another organization it may yet be made.
    let other = engine.run(&Request::new(actors::alice()), &create).await.expect_err("the first try may yet be made");
    assert_eq!(other.kind(), ErrorKind::Unavailable, "{other:?}");
    engine.run(&request, &create).await.expect("a repetition has not to wait for what its first try has left");
    let other = engine.run(&Request::new(actors::alice()), &create).await.expect_err("that is one too many");
    assert_eq!(other.kind(), ErrorKind::OwnedLimit, "{other:?}");
}
