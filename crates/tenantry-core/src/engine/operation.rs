//! What an operation is: one type with its input, its output, its errors and its audit event.

use std::sync::OnceLock;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{Engine, entry::IndexEntry, idempotency::IdempotencyKey, transaction::Transaction},
    rows::Intent,
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::{JoinCodeId, OrganizationId},
        token_key::TokenKey,
        validate::Violations,
    },
    wire::sealed::Sealed,
};

/// One operation. The type itself is its input.
///
/// The [`Engine`] carries out every operation in the same steps: [check](Self::check) the input, [locate](Self::locate)
/// the organization, authorize the caller by [`NEEDS`](Self::NEEDS), [decide](Self::decide), commit. If another commit
/// interferes, it repeats the last three.
///
/// It is sealed: what an operation reads and writes are rows, whose form is this crate's own.
pub trait Operation: Sealed + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the operation answers.
    type Output: Serialize + DeserializeOwned + Send;

    /// Its path under `/v1/organizations/`.
    const ROUTE: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// What the caller must hold.
    const NEEDS: Needs;
    /// The errors of this operation, besides those that every operation has: an invalid request, a missing or invalid
    /// credential, a missing right, an unavailable store.
    const ERRORS: &'static [ErrorKind];
    /// The action that the audit log records; `None` for an operation that changes nothing.
    const EVENT: Option<&'static str>;

    /// Whether it ends or removes something, so that even a full store takes it ([`Txn::frees`]).
    ///
    /// [`Txn::frees`]: crate::store::Txn::frees
    const FREES: bool = false;

    /// Whether the operation needs the caller's e-mail address or username. If the credential carries neither, the
    /// engine asks the host's directory.
    const BY_ADDRESS: bool = false;

    /// Checks the input without reading anything, and reports all faults at once.
    fn check(&self, problems: &mut Violations) {
        let _ = problems;
    }

    /// Finds out who acts, for an operation that needs no credential ([`Needs::Nobody`]).
    fn introduce(&self, engine: &Engine) -> impl Future<Output = Result<Caller, Error>> + Send {
        let _ = engine;
        async { Err(Error::new(ErrorKind::Unauthenticated, "this needs a credential")) }
    }

    /// The API token on which the operation acts, if that token may do so itself, without the permission in
    /// [`NEEDS`](Self::NEEDS).
    fn itself(&self) -> Option<&TokenKey> {
        None
    }

    /// Finds the organization in which the operation acts; `None` for one that only reads, across organizations.
    fn locate(&self, request: &Locate<'_>) -> impl Future<Output = Result<Option<OrganizationId>, Error>> + Send;

    /// Whether [`locate`](Self::locate) made up the id of a new organization, which has no rows to read yet.
    fn is_new(&self, request: &Request) -> bool {
        let _ = request;
        false
    }

    /// Rows of the organization that [`decide`](Self::decide) reads, as far as their keys are known from the input:
    /// they are read in the same round trip as the caller's rights.
    fn reads(&self, caller: &Caller) -> Vec<Key> {
        let _ = caller;
        Vec::new()
    }

    /// Decides, and says what to write. Called again when another commit has changed a row that was read.
    fn decide(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// What a caller must hold to carry out an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No credential: the input carries the right, such as an invitation's token. [`Operation::introduce`] finds out
    /// who acts.
    Nobody,
    /// Any valid credential; the operation shows the caller only what is theirs.
    Credential,
    /// A signed-in user, not an API token.
    User,
    /// The host's own code. Such an operation has no route.
    Host,
    /// A platform admin, who needs no place in the organization.
    Platform,
    /// This permission, in the organization that is named.
    Permission(Permission),
}

/// A request to carry out an operation: who asks, and under which idempotency key.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) caller: Caller,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl Request {
    /// A request by `caller`.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller, idempotency_key: None }
    }

    /// Sets the key by which a retry of this request gets the answer of the first.
    #[must_use]
    pub fn idempotency_key(mut self, key: Option<IdempotencyKey>) -> Self {
        self.idempotency_key = key;
        self
    }
}

impl From<Caller> for Request {
    fn from(caller: Caller) -> Self {
        Self::new(caller)
    }
}

/// What an operation may use to find its organization.
#[derive(Debug)]
pub struct Locate<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) request: &'a Request,
    /// The join code that led to the organization, for [`Transaction::join_code`].
    pub(crate) join_code: OnceLock<JoinCodeId>,
    /// The index entry that led to the organization, and the intent of the attempt that wrote it.
    pub(crate) entry: OnceLock<(IndexEntry, Intent)>,
}

impl Locate<'_> {
    /// Remembers which entry led to the organization. If it turns out to lead to nothing, the entry is pruned.
    pub(crate) fn led_by(&self, entry: IndexEntry, intent: Intent) {
        self.entry.get_or_init(|| (entry, intent));
    }
}
