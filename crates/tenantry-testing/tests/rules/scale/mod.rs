//! What is asked of the store does not grow with what there is: exact counts of calls, rows and entries, of few and of
//! many.

mod changes;
mod cluster;
mod lists;
mod search;

use std::{future::ready, sync::Arc};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::{join_codes, organizations},
    store::Store,
    values::clock::{Clock as _, SystemClock},
};
use tenantry_testing::{
    actors,
    counting::{Counting, Counts},
    model::ManualClock,
};

/// How many at once, where much is made.
const AT_ONCE: usize = 64;

/// An engine over a store that counts.
struct World {
    store: Arc<Counting>,
    engine: Engine,
}

impl World {
    fn new(store: Arc<dyn Store>) -> Self {
        let store = Arc::new(Counting::new(store));
        // It stands still: what is timed is as long everywhere.
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let registry = Registry::builder().build().expect("what is built in fits together");
        let engine = Engine::builder(store.clone(), registry).clock(clock).build();
        Self { store, engine }
    }

    fn in_memory() -> Self {
        Self::new(crate::in_memory().store().clone())
    }

    async fn must<O: Operation>(&self, caller: &Caller, input: Value) -> O::Output {
        let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
        let answer = self.engine.run(&Request::new(caller.clone()), &operation).await;
        answer.unwrap_or_else(|error| panic!("{}: {error:?}", O::ROUTE))
    }

    /// What an operation answers, and what it asked of the store.
    async fn counted<O: Operation>(&self, caller: &Caller, input: Value) -> (Value, Counts) {
        self.store.take();
        let answer = self.must::<O>(caller, input).await;
        (serde_json::to_value(answer).expect("an answer can be written as JSON"), self.store.take())
    }

    async fn create(&self, owner: &Caller, name: &str) -> String {
        let created = self.must::<organizations::Create>(owner, json!({ "name": name })).await;
        created.organization.id.to_string()
    }

    /// As many organizations of `owner`.
    async fn create_many(&self, owner: &Caller, count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
        let creating = (0..count).map(async |number| self.create(owner, &name(number)).await);
        stream::iter(creating).buffered(AT_ONCE).collect().await
    }

    /// An organization of `owner` with as many members, whom their numbers name.
    async fn populate(&self, owner: &Caller, members: usize) -> String {
        let id = self.create(owner, "Populated").await;
        let code = self.must::<join_codes::Create>(owner, json!({ "organizationId": id })).await.code;
        let joining = (1..members).map(async |number| {
            self.must::<join_codes::Join>(&member(number), json!({ "code": code })).await;
        });
        stream::iter(joining).buffer_unordered(AT_ONCE).for_each(|()| ready(())).await;
        id
    }
}

/// The member with that number; the owner is another.
fn member(number: usize) -> Caller {
    actors::user(&format!("member-{number:05}"))
}

/// What one page of a list holds, and what it cost.
#[derive(Debug, PartialEq)]
struct Page {
    entries: usize,
    counts: Counts,
}

impl World {
    /// All pages of a list whose entries are in `field`.
    async fn pages<O: Operation>(&self, caller: &Caller, field: &str, mut input: Value) -> Vec<Page> {
        let mut pages = Vec::new();
        loop {
            let (answer, counts) = self.counted::<O>(caller, input.clone()).await;
            let entries = answer[field].as_array().unwrap_or_else(|| panic!("{}: {answer}", O::ROUTE)).len();
            pages.push(Page { entries, counts });
            if answer["nextCursor"].is_null() {
                return pages;
            }
            input["cursor"] = answer["nextCursor"].clone();
        }
    }
}

/// Rows may be longer by as much as greater numbers need.
const NUMBER_BYTES_MAX: usize = 8;

/// Of few and of many, every page that is full costs the same: `expected`, and rows of the same length. There are
/// `full_pages` of many, deep ones among them; the page behind the end is empty.
fn same(what: &str, few_and_many: &[Vec<Page>], full_pages: usize, expected: Counts) {
    let [few, many] = few_and_many else { panic!("{what}: of few, and of many") };
    let size = few[0].entries;
    let full = many.iter().filter(|page| page.entries == size);
    assert_eq!(full.clone().count(), full_pages, "{what}: all pages are there");
    for page in few[..1].iter().chain(full) {
        assert_eq!(Counts { bytes: 0, ..page.counts }, expected, "{what}, each page");
        let longer = page.counts.bytes.saturating_sub(few[0].counts.bytes);
        assert!(longer <= NUMBER_BYTES_MAX * page.counts.keys, "{what}: {longer} bytes more");
    }
    let behind = |pages: &[Page]| pages.last().map(|page| (page.entries, page.counts.reads, page.counts.entries));
    assert_eq!(behind(few), behind(many), "{what}: the end");
}
