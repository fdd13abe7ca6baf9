//! Tells whether a store, with the domain on it, answers as the specification says: random sequences of all operations
//! against a plain model.
//!
//! 1. The model is written from the specification alone, in vectors and loops. It predicts each answer: the fields
//!    that matter, or the code of the refusal. In the end it compares rights, slugs and the number of audit events.
//! 2. Users, a platform admin and API tokens act, in two organizations or a few more; a clock that the model holds
//!    jumps ahead, so that things expire; and the host is deployed with another registry.
//! 3. The sequences are the same in every run. A difference panics with the shortest sequence that shows it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tenantry_embedded::EmbeddedStore;
//! use tenantry_testing::model;
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! model::agrees(runtime.handle(), 2, |clock| {
//!     Arc::new(EmbeddedStore::in_memory_with_clock(clock).expect("memory can be had"))
//! });
//! # Ok::<(), std::io::Error>(())
//! ```

mod answers;
mod codes;
mod invitations;
mod left;
mod members;
mod moves;
mod organizations;
mod people;
mod plain;
mod play;
mod random;
mod roles;
mod step;
mod time;
mod tokens;
mod workspaces;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tenantry_core::{
    engine::Engine,
    store::Store,
    values::{
        clock::{Clock, Timestamp},
        limits,
    },
};
use tokio::runtime::Handle;

pub use self::time::{ManualClock, SeededEntropy};
use self::{people::People, plain::Plain, step::Step};

/// The least time that can be told apart.
const MOMENT: Duration = Duration::from_millis(1);

/// Plays `cases` random sequences on stores that `store` provides, each with the clock of its sequence.
///
/// A store may be empty or one that earlier sequences were played on: each has people and slugs of its own. For a run
/// on a store that other runs share, `store` gives it a namespace.
///
/// Answers which operations the sequences carried out with success, by their routes.
///
/// # Panics
/// When an answer is not what the model expects, with the shortest sequence that shows it.
pub fn agrees(
    runtime: &Handle,
    cases: u32,
    store: impl Fn(Arc<dyn Clock>) -> Arc<dyn Store>,
) -> BTreeSet<&'static str> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    // Shrinking plays, too: every play has a number, and people of its own.
    let plays = AtomicU64::new(0);
    let exercised = Mutex::new(BTreeSet::new());
    let played = runner.run(&random::steps(), |steps| {
        let number = plays.fetch_add(1, Ordering::SeqCst);
        let routes = runtime.block_on(play(&steps, number, &store)).map_err(TestCaseError::fail)?;
        exercised.lock().unwrap_or_else(PoisonError::into_inner).extend(routes);
        Ok(())
    });
    if let Err(error) = played {
        panic!("the answers are not those of the specification:\n{error}");
    }
    exercised.into_inner().unwrap_or_else(PoisonError::into_inner)
}

async fn play(
    steps: &[Step],
    number: u64,
    store: &impl Fn(Arc<dyn Clock>) -> Arc<dyn Store>,
) -> Result<BTreeSet<&'static str>, String> {
    let start = Timestamp::from_millis(1_795_000_000_000);
    let clock = Arc::new(ManualClock::new(start));
    let entropy = Arc::new(SeededEntropy::new(number));
    let people = People { tag: number.to_string() };
    let (store, host) = (store(clock.clone()), people.host());
    let deploy = |with_helper| {
        let registry = roles::registry(with_helper).map_err(|error| error.to_string())?;
        let engine = Engine::builder(store.clone(), registry).clock(clock.clone());
        Ok::<_, String>(engine.entropy(entropy.clone()).host(host.clone()).build())
    };
    let mut engine = deploy(false)?;
    let mut plain = Plain::new(people, start);
    let mut exercised = BTreeSet::new();
    for step in steps {
        // Each step takes a moment: what happens at one and the same has no order.
        let waited = if let Step::Wait { seconds } = step { Duration::from_secs((*seconds).into()) } else { MOMENT };
        let later = plain.now.after(waited);
        // Redis goes by a clock of its own: nothing that it is to forget is to have passed.
        if later.since(start) < limits::CLOSED_INVITATION_LIFETIME {
            clock.advance(waited);
            plain.now = later;
        }
        if let Step::Deploy { with_helper } = step {
            engine = deploy(*with_helper)?;
            plain.deploy(*with_helper);
        }
        play::step(&engine, &mut plain, step, &mut exercised).await?;
    }
    play::finish(&engine, &plain).await?;
    Ok(exercised)
}
