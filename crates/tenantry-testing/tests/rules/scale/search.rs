//! Search.

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    operations::organizations::{List, Search},
    values::limits,
};
use tenantry_testing::{actors, counting::Counts};

use super::{Page, World};

/// Few organizations on the platform.
const FEW: usize = 1000;
/// How many of them belong to one user, few and many.
const OWN: [usize; 2] = [6, 250];
const LIMIT: usize = 50;

/// Many organizations on the platform; another number by the environment variable `TENANTRY_SCALE_ORGANIZATIONS`.
fn many() -> usize {
    let asked = std::env::var("TENANTRY_SCALE_ORGANIZATIONS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(10_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_the_same_in_memory() {
    hold([World::in_memory(), World::in_memory()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_the_same_on_redis() {
    hold([World::new(crate::redis("few").await), World::new(crate::redis("many").await)]).await;
}

async fn hold(worlds: [World; 2]) {
    let mut own = Vec::new();
    for (world, count) in worlds.into_iter().zip([FEW, many()]) {
        for owned in OWN {
            world.create_many(&owner(owned), owned, |number| format!("Own {number:06}")).await;
        }
        let rest = count - OWN.iter().sum::<usize>();
        world.create_many(&actors::alice(), rest, |number| format!("Organization {number:06}")).await;
        of_the_platform(&world, count, rest).await;
        own.push(of_ones_own(&world).await);
        memberships(&world, rest).await;
    }
    assert_eq!(own[0], own[1], "one's own cost the same, however many others there are");
}

fn owner(owned: usize) -> Caller {
    actors::user(&format!("owner-{owned:03}"))
}

/// Every page reads each bucket once, and as many organizations as it shows.
async fn of_the_platform(world: &World, count: usize, others: usize) {
    let root = actors::platform_admin();
    let by_name = json!({ "name": { "like": "organization 0000%" } });
    let by_time = json!({ "createdAt": { "gte": "2001-01-01T00:00:00Z" } });
    let deep = json!({ "name": { "gt": format!("organization {:06}", others - 5 * LIMIT - 1) } });
    for (filter, order, found) in [
        (by_name.clone(), Value::Null, 100),
        (by_name, json!([{ "field": "name", "direction": "desc" }]), 100),
        (deep, Value::Null, 5 * LIMIT + OWN.iter().sum::<usize>()),
        (json!({}), Value::Null, count),
        (by_time, json!([{ "field": "createdAt" }]), count),
        (json!({}), json!([{ "field": "name" }]), count),
    ] {
        let input = json!({ "filter": filter, "order": order, "limit": LIMIT });
        let pages = world.pages::<Search>(&root, "organizations", input.clone()).await;
        assert_eq!(pages.iter().map(|page| page.entries).sum::<usize>(), found, "{input}");
        assert_eq!(pages.len(), found.div_ceil(LIMIT), "{input}: no page is behind the last");
        let buckets = limits::SEARCH_BUCKETS as usize;
        for (number, Page { entries, counts }) in pages.iter().enumerate() {
            assert!(counts.entries <= buckets * LIMIT, "{input}, page {number}: {counts:?}");
            let exact = Counts { bytes: 0, entries: 0, ..*counts };
            let expected = Counts { reads: *entries, keys: 2 * entries, sorted_ranges: buckets, ..Counts::default() };
            if *entries == LIMIT && number + 1 < pages.len() {
                assert_eq!(exact, expected, "{input}, page {number}");
            } else {
                // The last one looks whether anything is left.
                let sorted_ranges = counts.sorted_ranges.min(2 * buckets);
                assert_eq!(exact, Counts { sorted_ranges, ..expected }, "{input}, the last page");
            }
        }
    }
}

/// A page of one's own looks at one's own, at a thousand at most.
async fn of_ones_own(world: &World) -> Vec<Counts> {
    let mut first_pages = Vec::new();
    for owned in OWN {
        for order in [json!([{ "field": "name" }]), json!([{ "field": "createdAt", "direction": "desc" }])] {
            let input = json!({ "order": order, "limit": LIMIT });
            let (_, counts) = world.counted::<Search>(&owner(owned), input).await;
            // Nothing of the platform's index.
            let batches = owned / limits::SEARCH_BATCH_MAX + 1;
            assert_eq!((counts.reads, counts.entries, counts.sorted_ranges), (owned, owned, batches));
            first_pages.push(Counts { bytes: 0, ..counts });
        }
    }
    let (_, counts) = world.counted::<Search>(&actors::alice(), json!({})).await;
    assert!(counts.reads <= limits::SEARCH_EXAMINED_MAX && counts.entries <= limits::SEARCH_EXAMINED_MAX);
    first_pages
}

/// All of a user's organizations side by side are a thousand at most; the list of them goes on.
async fn memberships(world: &World, owned: usize) {
    let alice = actors::alice();
    world.store.take();
    let shown = world.engine.memberships(&actors::id(&alice)).await.expect("the store answers").len();
    assert_eq!(shown, owned.min(limits::MEMBERSHIPS_MAX));
    assert!(world.store.take().reads <= limits::MEMBERSHIPS_MAX);
    let pages = world.pages::<List>(&alice, "organizations", json!({ "limit": LIMIT })).await;
    let full = pages.iter().filter(|page| page.entries == LIMIT);
    let expected = Counts { reads: LIMIT, keys: 4 * LIMIT, sorted_ranges: 1, entries: LIMIT, ..Counts::default() };
    assert!(full.into_iter().all(|page| Counts { bytes: 0, ..page.counts } == expected));
    assert_eq!(pages.iter().map(|page| page.entries).sum::<usize>(), owned);
}
