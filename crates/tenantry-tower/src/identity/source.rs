//! The host's own way to tell who is calling.

use std::{fmt, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderName, header::COOKIE};
use tenantry_core::{access::caller::Identity, values::error::Error};

use super::AuthenticatedUser;
use crate::Head;

/// Tells which user is calling, for hosts whose users carry no JWT in `Authorization`.
///
/// A closure is one. The layer and the admin router ask it at every request that has no `Authorization`, so it answers at
/// once: what it must wait for is a [lookup](Identified::lookup), whose result is remembered.
///
/// The host's session layer stands outside, Tenantry's layer inside. Whoever signs out is not there at the next request,
/// and so is refused.
///
/// ```
/// use std::sync::Arc;
///
/// use tenantry_core::access::caller::Identity;
/// use tenantry_tower::{Authenticator, Head, identity::Identified};
///
/// // What the host's session layer puts into the request.
/// #[derive(Clone)]
/// struct Session {
///     user: Option<Arc<Identity>>,
/// }
///
/// let authenticator = Authenticator::new().identity_source(|head: Head<'_>| {
///     let user = head.extensions().get::<Session>().and_then(|session| session.user.clone());
///     Ok(user.map_or_else(Identified::nobody, Identified::user))
/// });
/// # let _ = authenticator;
/// ```
///
/// # Danger
/// Whoever it names is believed, with everything that is theirs. A user's id is one, whoever tells it: a source that names
/// `ann` names the same user as a JWT whose `sub` is `ann` by an issuer with plain ids.
pub trait IdentitySource: Send + Sync + 'static {
    /// Who is calling.
    ///
    /// # Errors
    /// Why the request is refused: `invalid_token` for a credential that is not valid, `unavailable` if that cannot be told
    /// now.
    fn identify(&self, head: Head<'_>) -> Result<Identified, Error>;

    /// The headers that it looks at, for the `Vary` of every answer: `Cookie` unless it says otherwise.
    fn headers(&self) -> Vec<HeaderName> {
        vec![COOKIE]
    }
}

impl<F> IdentitySource for F
where
    F: Fn(Head<'_>) -> Result<Identified, Error> + Send + Sync + 'static,
{
    fn identify(&self, head: Head<'_>) -> Result<Identified, Error> {
        self(head)
    }
}

/// The source that believes the `Arc<Identity>` in a request's extensions: for a layer of the host's that waits for its
/// session store before this one, as with tower-sessions.
///
/// ```
/// use tenantry_tower::{Authenticator, identity};
///
/// let authenticator = Authenticator::new().identity_source(identity::from_extensions);
/// # let _ = authenticator;
/// ```
///
/// # Errors
/// None.
pub fn from_extensions(head: Head<'_>) -> Result<Identified, Error> {
    let identity = head.extensions().get::<Arc<Identity>>();
    Ok(identity.map_or_else(Identified::nobody, |identity| Identified::user(identity.clone())))
}

/// What an [`IdentitySource`] answers.
#[derive(Debug)]
pub struct Identified(pub(super) Answer);

#[derive(Debug)]
pub(super) enum Answer {
    Nobody,
    User(AuthenticatedUser),
    Lookup(Lookup),
}

impl Identified {
    /// The request presents nothing that the source knows.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Answer::Nobody)
    }

    /// This user is calling.
    #[must_use]
    pub fn user(user: impl Into<AuthenticatedUser>) -> Self {
        Self(Answer::User(user.into()))
    }

    /// Somebody must be asked. What `ask` answers is remembered by `key`: until its
    /// [`until`](AuthenticatedUser::until), and for as long as the layer remembers answers
    /// ([`max_age`](crate::TenantryLayerBuilder::max_age)) at most. A [strict](crate::TenantryLayerBuilder::strict) layer
    /// and the admin router ask each time.
    ///
    /// `key` is the credential itself, such as the value of a session's cookie; the layer keeps only a hash of it. Requests
    /// with the same key that come while it is asked share the answer, and `None` says that it is nobody's.
    ///
    /// # Danger
    /// Everything that the answer depends on must be in `key`: whoever sends the same key gets the same user.
    #[must_use]
    pub fn lookup<F, Fut>(key: impl Into<Vec<u8>>, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<AuthenticatedUser>, Error>> + Send + 'static,
    {
        Self(Answer::Lookup(Lookup { key: key.into().into(), ask: Arc::new(move || ask().boxed()) }))
    }
}

type Ask = dyn Fn() -> BoxFuture<'static, Result<Option<AuthenticatedUser>, Error>> + Send + Sync;

/// Somebody who must be asked who is calling.
#[derive(Clone)]
pub(crate) struct Lookup {
    key: Arc<[u8]>,
    ask: Arc<Ask>,
}

impl Lookup {
    /// By what the answer is remembered. A secret: it is hashed, and not kept.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) async fn ask(&self) -> Result<Option<AuthenticatedUser>, Error> {
        (self.ask)().await
    }
}

/// Without the key, which is a credential.
impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
