//! A search while organizations are renamed, and over entries that a crash left behind.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::organizations::{Create, Search, Update},
    store::{Shard, Txn, Unavailable},
    values::{
        clock::{Clock as _, SystemClock},
        limits,
    },
};
use tenantry_testing::{actors, model::ManualClock};
use tokio::sync::{Mutex, oneshot};

use crate::meddled::{Meddled, Meddling};

/// What waits for its moment: told to go on, it answers when it is done.
#[derive(Debug)]
struct Waiting {
    go: oneshot::Sender<()>,
    done: oneshot::Receiver<()>,
}

/// Something happens in the midst of a call.
#[derive(Debug, Default)]
struct Interrupted {
    /// Removals from the search index are lost.
    losing: AtomicBool,
    /// How many entries of the search index were answered.
    entries: AtomicUsize,
    /// What happens before an organization is read, and before how many such reads it does not yet.
    on_read: Arc<Mutex<Option<(usize, Waiting)>>>,
    /// Who waits before an organization is written, once: told that it is reached, and told when to go on.
    on_commit: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
}

#[async_trait]
impl Meddling for Interrupted {
    async fn before_read(&self, shard: &Shard) -> Option<Box<dyn Send>> {
        if !shard.as_str().starts_with("o:") {
            return None;
        }
        // One read after the other: what is to happen in between does.
        let mut on_read = self.on_read.clone().lock_owned().await;
        match on_read.take() {
            Some((0, waiting)) => {
                waiting.go.send(()).expect("somebody waits for it");
                waiting.done.await.expect("they do what they are there for");
            }
            Some((reads, waiting)) => *on_read = Some((reads - 1, waiting)),
            None => {}
        }
        Some(Box::new(on_read))
    }
    fn listed(&self, _: &Shard, entries: usize) {
        self.entries.fetch_add(entries, Ordering::SeqCst);
    }
    async fn before_commit(&self, shard: &Shard, txn: &Txn) -> Result<(), Unavailable> {
        if self.losing.load(Ordering::SeqCst) && !txn.sorted_deletes.is_empty() {
            return Err(Unavailable::new("lost"));
        }
        if shard.as_str().starts_with("o:")
            && let Some((reached, go)) = self.on_commit.lock().await.take()
        {
            reached.send(()).expect("somebody waits for it");
            go.await.expect("they say when to go on");
        }
        Ok(())
    }
}

/// Two nodes on one state: one searches, on the other organizations are renamed.
struct World {
    here: Arc<Meddled<Interrupted>>,
    there: Arc<Meddled<Interrupted>>,
    clock: Arc<ManualClock>,
}

impl World {
    fn new() -> Self {
        let store = crate::in_memory().store().clone();
        let [here, there] = [store.clone(), store].map(|store| Meddled::new(store, Interrupted::default()));
        Self { here, there, clock: Arc::new(ManualClock::new(SystemClock.now())) }
    }

    fn engine(&self, store: &Arc<Meddled<Interrupted>>) -> Engine {
        let registry = Registry::builder().build().expect("what is built in fits together");
        Engine::builder(store.clone(), registry).clock(self.clock.clone()).build()
    }

    async fn create(&self, name: &str) -> String {
        let created = must::<Create>(&self.engine(&self.there), &actors::alice(), json!({ "name": name })).await;
        created.organization.id.to_string()
    }

    async fn rename(&self, id: &str, name: &str) {
        let input = json!({ "organizationId": id, "name": name });
        must::<Update>(&self.engine(&self.there), &actors::alice(), input).await;
    }

    /// All pages of a search of the whole platform, each organization by its id.
    async fn search(&self, mut wanted: Value) -> Vec<String> {
        let engine = self.engine(&self.here);
        let mut found = Vec::new();
        loop {
            let page = must::<Search>(&engine, &actors::platform_admin(), wanted.clone()).await;
            found.extend(page.organizations.into_iter().map(|organization| organization.id.to_string()));
            let Some(cursor) = page.next_cursor else { return found };
            wanted["cursor"] = json!(cursor);
        }
    }
}

async fn must<O: Operation>(engine: &Engine, caller: &Caller, input: Value) -> O::Output {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(caller.clone()), &operation).await.expect("nothing is in the way")
}

#[tokio::test]
async fn the_last_page_says_that_it_is_the_last() {
    let world = World::new();
    for count in 1..=5 {
        world.create(&format!("organization {count}")).await;
        for limit in 1..=6 {
            for order in [json!([{ "field": "name" }]), json!([{ "field": "createdAt", "direction": "desc" }])] {
                let mut wanted = json!({ "order": order, "limit": limit });
                let engine = world.engine(&world.here);
                let mut pages = 0;
                loop {
                    let page = must::<Search>(&engine, &actors::platform_admin(), wanted.clone()).await;
                    pages += 1;
                    let Some(cursor) = page.next_cursor else { break };
                    wanted["cursor"] = json!(cursor);
                }
                assert_eq!(pages, count.max(1_usize).div_ceil(limit), "{count} organizations, {limit} to a page");
            }
        }
    }
}

#[tokio::test]
async fn what_a_crash_left_in_the_search_index_is_pruned_by_searching() {
    let world = World::new();
    let id = world.create("before").await;
    world.there.losing.store(true, Ordering::SeqCst);
    for name in ["zebra", "after"] {
        world.rename(&id, name).await;
    }
    world.there.losing.store(false, Ordering::SeqCst);

    // What was answered is counted before it is pruned.
    let settled = limits::ENTRY_SETTLING + Duration::from_secs(2);
    for (passes, entries) in [(Duration::ZERO, 3), (settled, 3), (Duration::ZERO, 1)] {
        world.clock.advance(passes);
        world.here.entries.store(0, Ordering::SeqCst);
        let found = world.search(json!({ "order": [{ "field": "name" }] })).await;
        assert_eq!(found, std::slice::from_ref(&id), "whatever leads to it, it is there once");
        assert_eq!(world.here.entries.load(Ordering::SeqCst), entries);
        let stale = json!({ "filter": { "name": { "in": ["before", "zebra"] } } });
        assert_eq!(world.search(stale).await, [""; 0], "it is not found by what it is not called any more");
    }
}

/// Orders of which the first is the scan's own, the second led by it, and the third has nothing to do with it.
fn orders(direction: &str) -> [Value; 3] {
    [
        json!([{ "field": "name", "direction": direction }]),
        json!([{ "field": "name", "direction": direction }, { "field": "city" }]),
        json!([{ "field": "city" }]),
    ]
}

#[tokio::test]
async fn who_is_renamed_between_the_index_and_the_organization_is_found_once() {
    for (from, to, limits) in [("b", "y", &[1, 2, 3, 200][..]), ("y", "b", &[200]), ("b", "cc", &[1, 2, 4])] {
        for order in ["asc", "desc"].into_iter().flat_map(orders) {
            // Towards what was read already, only a page that comes to both places can find it.
            let descends = order[0]["direction"] == "desc";
            for limit in if descends { &[200][..] } else { limits } {
                let world = World::new();
                let mut all = vec![world.create(from).await];
                for name in ["a", "c", "d", "e"] {
                    all.push(world.create(name).await);
                }
                let (go, started) = oneshot::channel();
                let (finish, done) = oneshot::channel();
                *world.here.on_read.lock().await = Some((0, Waiting { go, done }));
                let renames = async {
                    started.await.expect("the search reads an organization");
                    world.rename(&all[0], to).await;
                    finish.send(()).expect("the search waits");
                };
                let wanted = json!({ "order": order, "limit": limit, "filter": { "name": { "gte": "a" } } });
                let (mut found, ()) = futures_util::future::join(world.search(wanted.clone()), renames).await;
                found.sort();
                all.sort();
                assert_eq!(found, all, "{from} becomes {to}: {wanted}");
            }
        }
    }
}

#[tokio::test]
async fn who_is_renamed_between_two_of_its_entries_is_found_once() {
    for order in ["asc", "desc"].into_iter().flat_map(orders) {
        let world = World::new();
        let id = world.create("b").await;
        // Both entries are there; the name is changed after the organization was read by the first of them.
        let (reached, entered) = oneshot::channel();
        let (commit, go_on) = oneshot::channel();
        *world.there.on_commit.lock().await = Some((reached, go_on));
        let (go, first_was_read) = oneshot::channel();
        let (finish, done) = oneshot::channel();
        *world.here.on_read.lock().await = Some((1, Waiting { go, done }));
        let rename = world.rename(&id, "y");
        let search = async {
            entered.await.expect("the new entry is written before the commit");
            world.search(json!({ "order": order, "filter": { "name": { "gte": "a" } } })).await
        };
        let conduct = async {
            first_was_read.await.expect("both entries are read");
            commit.send(()).expect("the rename waits");
        };
        let renamed = async {
            rename.await;
            finish.send(()).expect("the search waits");
        };
        let (found, ..) = futures_util::future::join3(Box::pin(search), conduct, renamed).await;
        assert_eq!(found, [id], "{order}");
    }
}
