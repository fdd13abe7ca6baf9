//! Carries out operations: checks the input and locates the organization; then authorizes, decides and commits, and
//! repeats these three until no other commit interferes.

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

/// Carries out operations on one store. Cheap to clone: all clones share one state.
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

/// A weak reference to an engine: it does not keep the engine alive.
pub(crate) struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    pub(crate) fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(Engine)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// Wakes a worker that waits for jobs, so that it sees that the engine is gone.
impl Drop for Inner {
    fn drop(&mut self) {
        self.made.wake();
    }
}

/// Hears of the changes that are made through the engine that it observes.
///
/// The store notifies every node of every change, but a moment later. An observer hears of a change before the
/// operation answers, so whoever makes a change sees its effect at their next request to the same node.
pub trait Observer: Send + Sync {
    /// Called with each change that was committed, and with each change whose outcome the store could not tell.
    fn changed(&self, change: &Change);
}

/// Why an attempt did not succeed.
enum Stop {
    /// Another commit changed what this attempt read: decide again.
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

/// The state that all attempts of one operation share.
struct Course<'a> {
    request: &'a Request,
    organization: Option<OrganizationId>,
    idempotency: Option<Idempotency>,
    join_code: Option<JoinCodeId>,
    /// The index entry that led to the organization, and the intent of the attempt that wrote it.
    entry: Option<(IndexEntry, Intent)>,
    intent: Intent,
    /// Whether the request was already counted against the rate limit of the API token that presents it.
    counted: bool,
    /// Index entries that an attempt wrote and that no commit has made true yet.
    pending: Vec<(IndexEntry, Intent)>,
    /// Whether the outcome of the commit is unknown, because the store did not answer.
    is_uncertain: bool,
    /// Whether the caller's credential says something about them that their member's row does not say yet.
    profile_is_due: bool,
}

impl Engine {
    /// An engine on `store`, with the system's clock and randomness.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, registry: Registry) -> Self {
        Self::builder(store, registry).build()
    }

    /// A builder that starts with the system's clock and randomness, and with a host that limits nothing.
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

    /// Calls `observer` with every change that is made through this engine, until its last strong reference is dropped.
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

    /// The store that this engine works on.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The error by which the store reported that only a restart of this process helps; `None` if it has reported none.
    ///
    /// This sends the store no request: a store that is merely unavailable or slow is no reason to restart the process.
    #[must_use]
    pub fn needs_restart(&self) -> Option<&Unavailable> {
        self.0.dead.get()
    }

    /// The permissions and roles that the host registered, and the built-in ones.
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

    /// The host's policies and callbacks.
    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    /// Carries out one operation.
    ///
    /// When this answers `Ok`, the change and its audit event are in the store. If the future is dropped before, the
    /// change is in the store either whole or not at all.
    pub async fn run<O: Operation>(&self, request: &Request, operation: &O) -> Result<O::Output, Error> {
        if O::NEEDS == Needs::Nobody {
            return self.run_open(operation).await;
        }
        self.check(operation)?;
        if let (Needs::Credential | Needs::User | Needs::Platform | Needs::Host, Caller::Token(presented)) =
            (O::NEEDS, &request.caller)
        {
            self.admit(self.resolve_token(presented).await?.authority())?;
        }
        match O::NEEDS {
            // An operation that needs the user themselves refuses the host; a search, say, does not.
            Needs::User if matches!(request.caller, Caller::Host(_)) => {}
            Needs::User => request.caller.user().map(|_| ())?,
            Needs::Platform => request.caller.require_platform_admin()?,
            Needs::Host => request.caller.require_host()?,
            Needs::Nobody | Needs::Credential | Needs::Permission(_) => {}
        }
        let recognized = if O::BY_ADDRESS { self.recognize(request).await? } else { None };
        let request = recognized.as_ref().unwrap_or(request);
        let (result, organization) = self.carry_out_and_tell(request, operation).await;
        self.note_caller(&request.caller, result.as_ref().err(), organization).await;
        result
    }

    /// Carries out an operation that needs no credential; refuses any other. It takes no idempotency key: the secret in
    /// the input, which authorizes the operation, can be used only once.
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

    /// As [`carry_out`](Self::carry_out). Also answers in which organization the caller's profile needs an update.
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

    /// Locates the organization and prepares the state that all attempts share.
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
        // An operation that needs a permission is counted when it is authorized; `run` has counted the
        // others.
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
        // If the outcome of the commit is unknown, the entries stay: they may be true, and readers confirm each of
        // them.
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
        // The first attempt at a new organization reads nothing, which saves a round trip. If there are rows after all,
        // the commit conflicts, and the next attempt reads them.
        tx.is_new = attempt == 0 && operation.is_new(course.request);
        let decided = Self::decide(operation, &mut tx, course.idempotency.as_ref()).await;
        course.profile_is_due = tx.authority.profile_is_due;
        course.counted = tx.counted;
        // A commit verifies the rows that were read. An answer without a commit (a refusal, or that nothing is left to
        // do) must rest on rows of one moment as well: otherwise a retry that runs beside its own first attempt could
        // be refused because of what that attempt has just done.
        let to_commit = decided.is_ok() && tx.writes();
        if O::EVENT.is_some() && !to_commit && !tx.is_of_one_moment().await? {
            return Err(Stop::Again);
        }
        let output = decided?;
        if let Some(organization) = course.organization {
            self.restore_all(organization, std::mem::take(&mut tx.restores)).await;
        }
        if O::EVENT.is_some() && !to_commit && course.organization.is_some() {
            // The change was made by an earlier commit, perhaps by one that is applied but not confirmed yet.
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

    /// Authorization comes before the replay of a kept answer: a caller who lost the right is not shown a secret again,
    /// and a caller with an API token has not yet proved that they know its secret.
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

    /// Waits for a random time; its upper bound doubles with each attempt, up to a maximum.
    pub(crate) async fn back_off(&self, attempt: u32) -> Result<(), Error> {
        let longest_micros = 500_u64 << attempt.min(7);
        let random = u64::from_be_bytes(bytes(self.entropy())?);
        self.clock().sleep(Duration::from_micros(random % longest_micros)).await;
        Ok(())
    }

    /// Reserves the next `count` numbers of an index and answers the first; `None` if one of `checks` does not hold.
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
