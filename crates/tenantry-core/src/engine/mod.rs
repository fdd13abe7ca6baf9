//! Carries out operations: check, locate, and then authorize, decide and commit until it holds.

pub mod audit;
mod builder;
mod commit;
pub(crate) mod entry;
pub mod idempotency;
pub mod jobs;
pub(crate) mod meter;
mod note;
pub mod operation;
pub mod rate_limiter;
mod recognize;
pub mod repair;
pub mod resolve;
pub(crate) mod search_entry;
pub mod token_use;
pub mod transaction;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock, Weak},
    time::Duration,
};

use crate::{
    access::{authority, caller::Caller, registry::Registry},
    engine::{
        entry::{EntryError, IndexEntry},
        idempotency::Idempotency,
        jobs::Made,
        operation::{Locate, Needs, Operation, Request},
        rate_limiter::RateLimiter,
        token_use::RecentUses,
        transaction::Transaction,
    },
    host::Host,
    rows::Intent,
    store::{Add, Check, CommitError, Index, Range, Shard, Store, Txn, Unavailable, change::Change, outage::Dead},
    values::{
        clock::{Clock, SystemClock},
        entropy::{Entropy, SystemEntropy, bytes},
        error::{Error, ErrorKind},
        ids::{JoinCodeId, OrganizationId},
        limits,
        validate::Violations,
    },
};

pub use builder::EngineBuilder;

/// The domain at work over one store. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    dead: Dead,
    registry: Registry,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    host: Host,
    made: Arc<Made>,
    rate_limiter: RateLimiter,
    uses: RecentUses,
    observers: RwLock<Vec<Weak<dyn Observer>>>,
}

/// An engine that ends when nobody else keeps it.
pub(crate) struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    pub(crate) fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(Engine)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// A worker that waits for jobs hears that there will be none.
impl Drop for Inner {
    fn drop(&mut self) {
        self.made.wake();
    }
}

/// Hears of changes where they are made.
///
/// The store tells every node of every change, a moment later. An observer of the engine that makes a change hears of
/// it before the operation answers: so whoever makes a change sees it at their next request to the same node.
pub trait Observer: Send + Sync {
    /// This was changed, or may have been.
    fn changed(&self, change: &Change);
}

/// Why a try did not succeed.
enum Stop {
    /// Another commit came in between: decide anew.
    Again,
    /// The operation is refused, or cannot be carried out.
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<EntryError> for Stop {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::Again => Self::Again,
            EntryError::Refused(error) => Self::Refused(error),
        }
    }
}

/// What an operation's tries have in common.
struct Course<'a> {
    request: &'a Request,
    organization: Option<OrganizationId>,
    idempotency: Option<Idempotency>,
    join_code: Option<JoinCodeId>,
    /// The entry elsewhere that led to the organization, and the try that wrote it.
    entry: Option<(IndexEntry, Intent)>,
    intent: Intent,
    /// Whether the request was counted against the rate limit of the API token that presents it.
    counted: bool,
    /// Entries that a try wrote and no commit has made true yet.
    pending: Vec<(IndexEntry, Intent)>,
    /// The store has not told what became of the commit.
    is_uncertain: bool,
    /// The caller's credential tells what their organization does not know yet.
    profile_is_due: bool,
}

impl Engine {
    /// The domain over `store`, with the system's clock and randomness.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, registry: Registry) -> Self {
        Self::builder(store, registry).build()
    }

    /// Begins with the system's clock and randomness, and a host that limits nothing.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>, registry: Registry) -> EngineBuilder {
        EngineBuilder {
            store,
            registry,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            host: Host::default(),
        }
    }

    /// Tells `observer` of every change that is made through this engine, as long as somebody else keeps it.
    pub fn observe(&self, observer: Weak<dyn Observer>) {
        let mut observers = self.0.observers.write().unwrap_or_else(PoisonError::into_inner);
        observers.retain(|kept| kept.strong_count() > 0);
        observers.push(observer);
    }

    fn tell_observers(&self, changes: &[Change]) {
        let observers = self.0.observers.read().unwrap_or_else(PoisonError::into_inner);
        for observer in observers.iter().filter_map(Weak::upgrade) {
            for change in changes {
                observer.changed(change);
            }
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// What the store said when it told that only a restart of this process mends it; `None`: it has not.
    ///
    /// It asks the store nothing: a store that is away or slow is no reason to end a process.
    #[must_use]
    pub fn needs_restart(&self) -> Option<&Unavailable> {
        self.0.dead.get()
    }

    /// The permissions and roles.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn made(&self) -> &Arc<Made> {
        &self.0.made
    }

    pub(crate) fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    pub(crate) fn recent_uses(&self) -> &RecentUses {
        &self.0.uses
    }

    pub(crate) fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.0))
    }

    /// The host's side.
    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    /// Carries out one operation.
    ///
    /// When this answers `Ok`, the change and its audit event are in the store. When the future is dropped, the change
    /// is in the store whole or not at all.
    pub async fn run<O: Operation>(&self, request: &Request, operation: &O) -> Result<O::Output, Error> {
        if O::NEEDS == Needs::Nobody {
            return self.run_open(operation).await;
        }
        self.check(operation)?;
        if let (Needs::Credential | Needs::User | Needs::Platform, Caller::Token(presented)) =
            (O::NEEDS, &request.caller)
        {
            self.admit(self.resolve_token(presented).await?.authority())?;
        }
        match O::NEEDS {
            Needs::User => request.caller.user().map(|_| ())?,
            Needs::Platform => request.caller.require_platform_admin()?,
            Needs::Nobody | Needs::Credential | Needs::Permission(_) => {}
        }
        let recognized = if O::BY_ADDRESS { self.recognize(request).await? } else { None };
        let request = recognized.as_ref().unwrap_or(request);
        let (result, organization) = self.carry_out_and_tell(request, operation).await;
        self.note_caller(&request.caller, result.as_ref().err(), organization).await;
        result
    }

    /// Carries out an operation that needs no credential; any other is refused. It knows no idempotency keys: what is
    /// its right is used up by it.
    pub async fn run_open<O: Operation>(&self, operation: &O) -> Result<O::Output, Error> {
        self.check(operation)?;
        let caller = operation.introduce(self).await?;
        self.carry_out(&Request::new(caller), operation).await
    }

    fn check<O: Operation>(&self, operation: &O) -> Result<(), Error> {
        let mut problems = Violations::new(self.clock().now());
        operation.check(&mut problems);
        problems.into_result()
    }

    pub(crate) async fn carry_out<O: Operation>(&self, request: &Request, operation: &O) -> Result<O::Output, Error> {
        self.carry_out_and_tell(request, operation).await.0
    }

    /// Tells as well in which organization the caller's profile is due.
    async fn carry_out_and_tell<O: Operation>(
        &self,
        request: &Request,
        operation: &O,
    ) -> (Result<O::Output, Error>, Option<OrganizationId>) {
        match self.course(request, operation).await {
            Ok(mut course) => {
                let result = self.follow(operation, &mut course).await;
                (result, course.organization.filter(|_| course.profile_is_due))
            }
            Err(error) => (Err(error), None),
        }
    }

    /// Finds out where the operation acts, and what its tries have in common.
    async fn course<'a, O: Operation>(&self, request: &'a Request, operation: &O) -> Result<Course<'a>, Error> {
        let locate = Locate { engine: self, request, join_code: OnceLock::new(), entry: OnceLock::new() };
        let organization = operation.locate(&locate).await?;
        let (join_code, entry) = (locate.join_code.into_inner(), locate.entry.into_inner());
        let idempotency = match &request.idempotency_key {
            Some(key) if O::EVENT.is_some() => {
                Some(Idempotency::new(&request.caller.principal(), key, O::ROUTE, operation)?)
            }
            _ => None,
        };
        let intent = Intent::new(self.clock().now(), self.entropy())?;
        // What is not done by a right in the organization was counted before.
        let counted = !matches!(O::NEEDS, Needs::Permission(_));
        Ok(Course {
            request,
            organization,
            idempotency,
            join_code,
            entry,
            intent,
            counted,
            pending: Vec::new(),
            is_uncertain: false,
            profile_is_due: false,
        })
    }

    async fn follow<O: Operation>(&self, operation: &O, course: &mut Course<'_>) -> Result<O::Output, Error> {
        let result = self.attempts(operation, course).await;
        if let (Some(organization), Some((entry, intent)), Err(error)) = (course.organization, &course.entry, &result)
            && error.kind() == ErrorKind::NotFound
        {
            self.prune_ghost(organization, entry, *intent).await;
        }
        // The commit may have happened: then what was entered stays, and readers confirm it.
        let is_certain = !course.is_uncertain && !course.pending.is_empty();
        if let Some(organization) = course.organization.filter(|_| is_certain) {
            self.remove_entries(organization, &course.pending).await;
        }
        result
    }

    async fn attempts<O: Operation>(&self, operation: &O, course: &mut Course<'_>) -> Result<O::Output, Error> {
        for attempt in 0..limits::ATTEMPTS_MAX {
            match self.attempt(operation, course, attempt).await {
                Ok(output) => return Ok(output),
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Again) => self.back_off(attempt).await?,
            }
        }
        Err(Error::unavailable(format!("{}: in conflict {} times", O::ROUTE, limits::ATTEMPTS_MAX)))
    }

    async fn attempt<O: Operation>(
        &self,
        operation: &O,
        course: &mut Course<'_>,
        attempt: u32,
    ) -> Result<O::Output, Stop> {
        let caller = &course.request.caller;
        let mut tx = Transaction::new(self, caller, O::EVENT, course.organization, course.intent, attempt);
        tx.join_code = course.join_code;
        tx.counted = course.counted;
        // Should there be something all the same, the commit says so, and the next try reads it.
        tx.is_new = attempt == 0 && operation.is_new(course.request);
        let decided = Self::decide(operation, &mut tx, course.idempotency.as_ref()).await;
        course.profile_is_due = tx.authority.profile_is_due;
        course.counted = tx.counted;
        // A commit verifies what was read. An answer without one (a refusal, or that nothing is left to do) must rest
        // on one moment as well: a repetition that is overtaken by its first try would be told of its own effect.
        let to_commit = decided.is_ok() && tx.writes();
        if O::EVENT.is_some() && !to_commit && !tx.is_of_one_moment().await? {
            return Err(Stop::Again);
        }
        let output = decided?;
        if let Some(organization) = course.organization {
            self.restore_all(organization, std::mem::take(&mut tx.restores)).await;
        }
        if O::EVENT.is_some() && !to_commit && course.organization.is_some() {
            // It was done before, by a commit that perhaps nobody has confirmed.
            self.store().barrier(&tx.shard).await.map_err(Error::from)?;
        }
        if let Some(organization) = course.organization.filter(|_| tx.writes()) {
            if let Some(idempotency) = &course.idempotency {
                let kept = idempotency.keep(&output, tx.now, self.entropy())?;
                tx.put(&idempotency.row_key(), &kept)?;
            }
            let (shard, mut decided) = tx.decided();
            decided.txn.frees = O::FREES;
            self.commit(course, organization, &shard, decided).await?;
        }
        Ok(output)
    }

    /// Authorization comes first, for repetitions too: whoever lost the right is not shown a secret again, and who
    /// presents an API token has yet to prove that they know its secret.
    async fn decide<O: Operation>(
        operation: &O,
        tx: &mut Transaction<'_>,
        idempotency: Option<&Idempotency>,
    ) -> Result<O::Output, Error> {
        let rights = authority::keys(tx.caller).into_iter().filter(|_| matches!(O::NEEDS, Needs::Permission(_)));
        let kept = idempotency.map(|idempotency| idempotency.row_key().key);
        tx.load(rights.chain(kept).chain(operation.reads(tx.caller))).await?;
        if let Needs::Permission(permission) = O::NEEDS {
            match (operation.itself(), tx.caller) {
                (Some(key), Caller::Token(presented)) if presented.key == *key => tx.identify().await?,
                _ => tx.authorize(permission).await?,
            }
        }
        if let Some(idempotency) = idempotency {
            let kept = tx.get(&idempotency.row_key()).await?;
            if let Some(answer) = idempotency.replay(kept, tx.now)? {
                return Ok(answer);
            }
        }
        operation.decide(tx).await
    }

    /// Waits a random while, longer after more tries.
    pub(crate) async fn back_off(&self, attempt: u32) -> Result<(), Error> {
        let longest_micros = 500_u64 << attempt.min(7);
        let random = u64::from_be_bytes(bytes(self.entropy())?);
        self.clock().sleep(Duration::from_micros(random % longest_micros)).await;
        Ok(())
    }

    /// The next `count` numbers of an index: the first of them; `None` if one of `checks` does not hold.
    pub(crate) async fn next_numbers(
        &self,
        shard: &Shard,
        index: Index,
        count: usize,
        checks: Vec<Check>,
    ) -> Result<Option<u64>, Error> {
        let by = i64::try_from(count).map_err(Error::internal)?;
        if by == 0 {
            return Ok(Some(0));
        }
        let add = Add { key: Range::counter(index), by, min: None, max: None };
        match self.store().commit(shard, &Txn { checks, adds: vec![add], ..Txn::default() }).await {
            Ok(committed) => committed
                .counters
                .first()
                .and_then(|last| u64::try_from(*last - by + 1).ok())
                .map(Some)
                .ok_or_else(|| Error::internal("the store did not tell the number that it gave")),
            Err(CommitError::Conflict) => Ok(None),
            Err(error) => Err(Error::of_preparation(error)),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("store", &self.0.store).finish_non_exhaustive()
    }
}
