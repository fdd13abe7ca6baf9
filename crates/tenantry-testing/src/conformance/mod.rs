//! Tells whether a store keeps the [contract of a store](tenantry_core::store).
//!
//! 1. Each check works in shards of its own, named after the scope that it is given: many runs may share one server,
//!    at the same time too, if their scopes differ.
//! 2. A check that fails panics, and the message names the sentence of the contract that was broken.
//! 3. No check decides by the time that something takes; what may take its time is waited for.
//! 4. Where the contract allows that a listener hears [`LinkLost`](tenantry_core::store::change::Signal::LinkLost) instead of
//!    a notice, the check begins anew. A link that is lost all the time fails it.
//! 5. How a store is broken only its own tests know. [`Load`] is for them: it commits meanwhile, and then tells whether
//!    the store, or the same store opened again, has what it acknowledged.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tenantry_core::store::Store;
//! use tenantry_embedded::EmbeddedStore;
//! use tenantry_testing::conformance;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: Arc<dyn Store> = Arc::new(EmbeddedStore::in_memory()?);
//! // A store that several processes can share is given twice: `&[store_of_node_a, store_of_node_b]`.
//! conformance::run(&[store], "my-store").await;
//! # Ok(())
//! # }
//! ```

mod counters;
mod indexes;
mod isolation;
mod lifetimes;
mod load;
mod logs;
mod notices;
mod rows;
mod sorted;
mod together;

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use tenantry_core::store::{CommitError, Committed, Index, Key, Shard, Store, Txn};

pub use self::load::{Load, Trail};

/// Indexes that the checks use.
const INDEX: Index = Index::new("index", 1);
const X: Index = Index::new("x", 63);

/// One check of the kit.
pub struct Check {
    name: &'static str,
    run: fn(Subject) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Check {
    /// What the check is called: `rows::checks_decide`, for example.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the check on the store that `nodes` are handles of (see [`run`]).
    ///
    /// # Panics
    /// When the store breaks the contract, or `nodes` is empty.
    pub async fn run(&self, nodes: &[Arc<dyn Store>], scope: &str) {
        assert!(!nodes.is_empty(), "the kit needs at least one handle of the store");
        (self.run)(Subject { nodes: nodes.to_vec(), scope: format!("{scope}/{}", self.name) }).await;
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Runs all checks, one after the other.
///
/// `nodes` are handles of one and the same state, as several processes would have them: what one commits, the others
/// must read and hear. One handle is enough for a store that cannot be shared. `scope` is a name that no other run
/// against the same state has.
///
/// # Panics
/// When the store breaks the contract, or `nodes` is empty.
pub async fn run(nodes: &[Arc<dyn Store>], scope: &str) {
    for check in checks() {
        check.run(nodes, scope).await;
    }
}

/// All checks of the kit, to run each as a test of its own.
#[must_use]
pub fn checks() -> Vec<Check> {
    macro_rules! checks {
        ($($module:ident::$name:ident),* $(,)?) => {
            vec![$(Check {
                name: concat!(stringify!($module), "::", stringify!($name)),
                run: |subject| Box::pin(async move { $module::$name(&subject).await }),
            }),*]
        };
    }
    checks![
        rows::are_read_in_the_order_of_the_keys,
        rows::checks_decide,
        rows::a_failed_transaction_leaves_nothing,
        rows::any_name_and_value_is_kept,
        rows::the_first_commit_of_a_shard_can_ask_to_be_it,
        rows::the_largest_transaction_is_taken,
        rows::a_larger_transaction_is_refused,
        rows::a_dropped_commit_is_whole_or_nothing,
        rows::many_rows_fit_into_one_transaction,
        rows::shards_are_apart,
        together::all_is_applied_or_nothing,
        together::what_is_deleted_goes_and_what_is_there_may_be_put_again,
        counters::stay_within_bounds,
        counters::stay_within_two_to_the_53rd,
        counters::share_rows_and_may_be_added_to_twice,
        counters::refuse_what_is_no_number,
        counters::commute,
        indexes::number_their_entries,
        indexes::take_numbers_from_their_counter,
        indexes::take_numbers_that_are_given,
        indexes::are_read_in_parts,
        indexes::are_apart,
        sorted::are_ordered_byte_by_byte,
        sorted::are_read_in_parts,
        sorted::keep_an_entry_once_under_a_sort_key,
        sorted::are_apart,
        sorted::change_with_the_commit_only,
        sorted::have_room_up_to_a_bound,
        logs::are_numbered_without_gaps,
        logs::are_dropped_as_a_whole,
        logs::are_read_newest_first,
        lifetimes::end,
        lifetimes::begin_anew_with_each_put,
        lifetimes::make_another_row,
        isolation::no_reader_sees_half_a_commit,
        isolation::each_commit_is_read_everywhere,
        isolation::one_of_many_wins_a_check,
        notices::reach_every_listener_in_order,
        notices::of_a_failed_commit_are_not_sent,
        notices::streams_begin_with_link_back,
    ]
}

/// The store under test, as one check sees it.
#[derive(Debug, Clone)]
struct Subject {
    nodes: Vec<Arc<dyn Store>>,
    scope: String,
}

impl Subject {
    /// The handle that most checks use.
    fn store(&self) -> &dyn Store {
        &*self.nodes[0]
    }

    /// Another handle, if there is one.
    fn other(&self) -> &dyn Store {
        &*self.nodes[self.nodes.len() - 1]
    }

    /// A shard that only this check of this run uses.
    fn shard(&self, name: &str) -> Shard {
        Shard::new('c', &format!("{}/{name}", self.scope))
    }

    /// Commits what must be applied.
    #[track_caller]
    fn applied<'a>(&'a self, shard: &'a Shard, txn: Txn, rule: &'a str) -> impl Future<Output = Committed> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            match self.store().commit(shard, &txn).await {
                Ok(committed) => committed,
                Err(error) => panic!("{caller}: a commit was refused ({error}), against the rule: {rule}"),
            }
        }
    }

    /// Commits what must be refused, and nothing of it may be there afterwards.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        shard: &'a Shard,
        txn: Txn,
        expected: CommitError,
        rule: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.store().commit(shard, &txn).await;
            assert_eq!(answer, Err(expected), "{caller}: against the rule: {rule}");
        }
    }

    /// The values of `keys`.
    async fn read(&self, shard: &Shard, keys: &[Key]) -> Vec<Option<Bytes>> {
        answer(self.store().read(shard, keys).await)
    }

    /// The value of `key`.
    async fn value(&self, shard: &Shard, key: &Key) -> Option<Bytes> {
        let mut values = self.read(shard, std::slice::from_ref(key)).await;
        assert_eq!(values.len(), 1, "against the rule: read answers one value for each key");
        values.remove(0)
    }
}

/// What a healthy store answers.
#[track_caller]
fn answer<T>(answer: Result<T, tenantry_core::store::Unavailable>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => panic!("a healthy store must answer, but: {error}"),
    }
}

/// A transaction that puts one row.
fn put(key: &Key, value: impl Into<Bytes>) -> Txn {
    Txn { puts: vec![(key.clone(), value.into())], ..Txn::default() }
}

/// A transaction that checks one row.
fn check(key: &Key, expected: Option<&'static str>) -> tenantry_core::store::Check {
    tenantry_core::store::Check { key: key.clone(), expected: expected.map(Bytes::from) }
}

/// Adds `by` to a counter, within bounds.
fn add(key: &Key, by: i64, min: Option<i64>, max: Option<i64>) -> tenantry_core::store::Add {
    tenantry_core::store::Add { key: key.clone(), by, min, max }
}

/// What a read of a row that is there answers.
#[expect(clippy::unnecessary_wraps, reason = "it is compared with what a read answers")]
fn some(value: &'static str) -> Option<Bytes> {
    Some(Bytes::from(value))
}
