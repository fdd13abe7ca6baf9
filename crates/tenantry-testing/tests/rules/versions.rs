//! Nodes of this version and of a newer one side by side on one store.
//!
//! Half of all commits are those of a node of the next version, which differs in what a new version may: each row and
//! each line of a log has a field more at its end, and there is a kind of row that this version does not know. The
//! other half are this version's own. The model tells that every answer is as ever.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tenantry_core::{
    engine::operation::Request,
    operations::{members, organizations},
    store::{
        Changes, CommitError, Committed, Index, Key, Numbered, Range, Shard, Sorted, SortedRange, Store, Txn,
        Unavailable,
    },
    values::error::ErrorKind,
};
use tenantry_embedded::EmbeddedStore;
use tenantry_testing::{actors, model};
use tokio::runtime::Builder;

/// What the newer version writes into its new field.
const FIELD: &[u8] = b"\x05green";

/// Commits in turns as this version and as the next one do.
#[derive(Debug)]
struct SideBySide {
    store: Arc<dyn Store>,
    commits: AtomicUsize,
    /// How often this version wrote a row anew that had the newer one's field.
    kept: Arc<AtomicUsize>,
    /// Whether the newer version writes what this one can read.
    readable: AtomicBool,
}

impl SideBySide {
    fn over(store: Arc<dyn Store>, kept: &Arc<AtomicUsize>) -> Arc<Self> {
        let (commits, readable) = (AtomicUsize::new(0), AtomicBool::new(true));
        Arc::new(Self { store, commits, kept: kept.clone(), readable })
    }

    fn of_the_newer(&self, txn: &Txn) -> Txn {
        let mut txn = txn.clone();
        let grown = |value: &Bytes| -> Bytes {
            match (value.ends_with(FIELD), self.readable.load(Ordering::SeqCst)) {
                (_, false) => vec![0xff; 40].into(),
                (true, true) => value.clone(),
                (false, true) => [value, FIELD].concat().into(),
            }
        };
        // Whoever claims a job remembers what it wrote, and here one engine plays both versions.
        for (_, value) in txn.puts.iter_mut().filter(|(key, _)| !key.name().starts_with("j/")) {
            *value = grown(value);
        }
        for (_, line) in &mut txn.appends {
            *line = grown(line);
        }
        if !txn.puts.is_empty() {
            txn.puts.push((Key::lasting("a row of a new kind"), Bytes::from_static(FIELD)));
        }
        txn
    }

    /// What was read with the newer version's field must be written with it.
    fn look(&self, txn: &Txn) {
        for (key, value) in &txn.puts {
            let before = txn.checks.iter().find(|check| check.key == *key).and_then(|check| check.expected.as_deref());
            if before.is_some_and(|before| before.ends_with(FIELD)) {
                assert!(value.ends_with(FIELD), "{key:?} has lost the field of the newer version");
                self.kept.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[async_trait]
impl Store for SideBySide {
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Unavailable> {
        self.store.read(shard, keys).await
    }
    async fn range(&self, shard: &Shard, range: &Range) -> Result<Vec<Numbered>, Unavailable> {
        self.store.range(shard, range).await
    }
    async fn sorted_range(&self, shard: &Shard, range: &SortedRange) -> Result<Vec<Sorted>, Unavailable> {
        self.store.sorted_range(shard, range).await
    }
    async fn numbers(&self, shard: &Shard, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Unavailable> {
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
    async fn barrier(&self, shard: &Shard) -> Result<(), Unavailable> {
        self.store.barrier(shard).await
    }
    async fn commit(&self, shard: &Shard, txn: &Txn) -> Result<Committed, CommitError> {
        self.look(txn);
        let is_newer = self.commits.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        if is_newer {
            self.store.commit(shard, &self.of_the_newer(txn)).await
        } else {
            self.store.commit(shard, txn).await
        }
    }
    fn changes(&self) -> Changes {
        self.store.changes()
    }
    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

#[test]
fn two_versions_work_side_by_side() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads can be had");
    let kept = Arc::default();
    model::agrees(runtime.handle(), 128, |clock| {
        let store = EmbeddedStore::in_memory_with_clock(clock).expect("memory can be had");
        SideBySide::over(Arc::new(store), &kept)
    });
    let redis = runtime.block_on(crate::redis("versions"));
    model::agrees(runtime.handle(), 32, |_| SideBySide::over(redis.clone(), &kept));
    assert!(kept.load(Ordering::SeqCst) > 100, "this version was to write rows of the newer one anew");
}

#[tokio::test]
async fn what_a_newer_version_made_unreadable_is_a_503_that_says_so() {
    let store = SideBySide::over(crate::in_memory().store().clone(), &Arc::default());
    let engine = crate::engine(store.clone());
    store.readable.store(false, Ordering::SeqCst);
    let request = Request::new(actors::user("alice"));
    let mut refused = 0;
    for number in 0..8 {
        let create = json!({ "name": format!("Acme {number}") });
        let create: organizations::Create = serde_json::from_value(create).expect("the input is valid");
        let Ok(created) = engine.run(&request, &create).await else { continue };
        let list = json!({ "organizationId": created.organization.id });
        let list: members::List = serde_json::from_value(list).expect("the input is valid");
        if let Err(error) = engine.run(&request, &list).await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains("a newer version of this service"), "{error}");
            assert!(error.retry_after().is_some());
            refused += 1;
        }
    }
    assert!(refused > 0, "some of the rows were to be unreadable");
}
