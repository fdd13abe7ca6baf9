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
/// The [`Engine`] carries it out in the same steps each time: [`check`](Self::check) the input, [`locate`](Self::locate)
/// the organization, then, as often as somebody else's commit comes in between: authorize by [`NEEDS`](Self::NEEDS),
/// [`decide`](Self::decide), commit.
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
    /// How it can be refused, beyond what every operation has: an invalid request, a missing or invalid credential,
    /// a missing right, an unavailable store.
    const ERRORS: &'static [ErrorKind];
    /// The action that the audit log records; `None` for an operation that changes nothing.
    const EVENT: Option<&'static str>;

    /// Whether it ends or removes something, so that a store without room for more still takes it ([`Txn::frees`]).
    ///
    /// [`Txn::frees`]: crate::store::Txn::frees
    const FREES: bool = false;

    /// Whether it matters how the caller can be addressed: the host's directory is asked when the credential does not
    /// tell.
    const BY_ADDRESS: bool = false;

    /// Checks the input by itself: all faults at once.
    fn check(&self, problems: &mut Violations) {
        let _ = problems;
    }

    /// Finds out who acts, for an operation that needs no credential ([`Needs::Nobody`]).
    fn introduce(&self, engine: &Engine) -> impl Future<Output = Result<Caller, Error>> + Send {
        let _ = engine;
        async { Err(Error::new(ErrorKind::Unauthenticated, "this needs a credential")) }
    }

    /// The API token that may do this to itself without the permission in [`NEEDS`](Self::NEEDS).
    fn itself(&self) -> Option<&TokenKey> {
        None
    }

    /// Finds the organization in which the operation acts; `None` for one that only reads, across organizations.
    fn locate(&self, request: &Locate<'_>) -> impl Future<Output = Result<Option<OrganizationId>, Error>> + Send;

    /// Whether [`locate`](Self::locate) made up the organization, which so has nothing to be read.
    fn is_new(&self, request: &Request) -> bool {
        let _ = request;
        false
    }

    /// Rows of the organization that [`decide`](Self::decide) reads, as far as they are known by now: they are read
    /// together with the caller's rights.
    fn reads(&self, caller: &Caller) -> Vec<Key> {
        let _ = caller;
        Vec::new()
    }

    /// Decides, and says what to write. Called anew when another commit changed what was read.
    fn decide(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// What a caller must hold so that an operation is theirs to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No credential: what the request itself brings is the right, and [`Operation::introduce`] finds out who acts.
    Nobody,
    /// Any valid credential; the operation shows the caller only what is theirs.
    Credential,
    /// A signed-in user, not an API token.
    User,
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

    /// Makes a repetition of this request get the answer of the first.
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
    /// The join code that led there, for [`Transaction::join_code`].
    pub(crate) join_code: OnceLock<JoinCodeId>,
    /// The entry elsewhere that led there, and the try that wrote it.
    pub(crate) entry: OnceLock<(IndexEntry, Intent)>,
}

impl Locate<'_> {
    /// Notes which entry led there: should there be no such thing, the entry is pruned.
    pub(crate) fn led_by(&self, entry: IndexEntry, intent: Intent) {
        self.entry.get_or_init(|| (entry, intent));
    }
}
