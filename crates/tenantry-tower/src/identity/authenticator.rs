//! Credential → caller, as far as that is possible without the store.

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderName, header::AUTHORIZATION};
use tenantry_core::{
    access::caller::{Caller, Presented},
    values::error::Error,
};

#[cfg(feature = "jwt")]
use crate::jwt::JwtVerifier;
use crate::{
    BuildError, Head,
    identity::{IdentitySource, cross_site, evidence::Evidence, source::Answer, verified_user::VerifiedUser},
    request::credential::{self, Credential},
};

/// Tells who is calling from the head of a request: see the [module](crate::identity) for what counts. Cheap to clone.
///
/// ```
/// use http::Request;
/// use tenantry_tower::{Authenticator, Head};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tenantry_core::values::error::Error> {
/// let authenticator = Authenticator::new();
/// let request = Request::new(());
/// assert!(authenticator.authenticate(Head::of(&request)).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Authenticator {
    #[cfg(feature = "jwt")]
    verifier: Option<JwtVerifier>,
    #[cfg(feature = "jwt")]
    jwt_cookie: Option<Arc<str>>,
    source: Option<Arc<dyn IdentitySource>>,
    trusted_origins: Arc<[String]>,
}

impl Authenticator {
    /// Accepts API tokens, and no users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts the JWTs of users, too.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt(mut self, verifier: JwtVerifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Accepts a JWT also in the cookie of this name, where there is no `Authorization`.
    ///
    /// # Danger
    /// A browser sends cookies along with requests of other sites: see the [module](crate::identity).
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt_cookie(mut self, name: impl Into<Arc<str>>) -> Self {
        self.jwt_cookie = Some(name.into());
        self
    }

    /// Asks `source` who is calling, where nothing else says so.
    #[must_use]
    pub fn identity_source(mut self, source: impl IdentitySource) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The origins, beside the service's own, whose pages may make requests with the cookies of its users:
    /// `https://app.example.com`.
    ///
    /// # Errors
    /// If one is no origin.
    pub fn trusted_origins<O: AsRef<str>>(mut self, origins: impl IntoIterator<Item = O>) -> Result<Self, BuildError> {
        let origins = origins.into_iter().map(|origin| cross_site::origin(origin.as_ref()));
        self.trusted_origins = origins.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Who is calling; `None` if the request has no credential.
    ///
    /// A JWT is verified; that waits only for keys that must be fetched. A source of the host's is asked. An API token is
    /// not looked up: its secret is compared when its row is read.
    ///
    /// # Errors
    /// `unauthenticated`, `invalid_token` or `expired_token`. A credential that is not valid is never taken for none.
    /// Where keys are fetched, also `unavailable` and `rate_limited`: it cannot be told yet whether it is valid.
    /// `cross_site_request`, if another site made a browser send it. And what the host's source answers.
    pub async fn authenticate(&self, head: Head<'_>) -> Result<Option<Caller>, Error> {
        let Some(evidence) = self.evidence(head)? else { return Ok(None) };
        Ok(self.verify_evidence(&evidence).await?.map(|authenticated| match authenticated {
            Authenticated::Token(presented) => Caller::Token(presented),
            Authenticated::User(user) => Caller::User(Box::new((*user.identity).clone())),
        }))
    }

    /// What the request presents; `None` if it has no credential.
    pub(crate) fn evidence<'a>(&self, head: Head<'a>) -> Result<Option<Evidence<'a>>, Error> {
        let evidence = self.presented(head)?;
        if evidence.as_ref().is_some_and(Evidence::is_ambient) {
            cross_site::refuse(head, &self.trusted_origins)?;
        }
        Ok(evidence)
    }

    fn presented<'a>(&self, head: Head<'a>) -> Result<Option<Evidence<'a>>, Error> {
        if let Some(value) = credential::header(head.headers())? {
            return Ok(Some(Evidence::Authorization(Cow::Borrowed(value))));
        }
        #[cfg(feature = "jwt")]
        if let Some(name) = &self.jwt_cookie
            && let Some(jwt) = head.cookie(name)?
        {
            return credential::of_bounded_length(jwt).map(|jwt| Some(Evidence::JwtCookie(Cow::Borrowed(jwt))));
        }
        let Some(source) = &self.source else { return Ok(None) };
        Ok(match source.identify(head)?.0 {
            Answer::Nobody => None,
            Answer::User(user) => Some(Evidence::User(user)),
            Answer::Lookup(lookup) => Some(Evidence::Lookup(lookup)),
        })
    }

    /// What `evidence` tells, if it is to be believed; `None` if it is nobody's.
    pub(crate) async fn verify_evidence(&self, evidence: &Evidence<'_>) -> Result<Option<Authenticated>, Error> {
        let user = match evidence {
            Evidence::Authorization(value) => match credential::parse(value)? {
                Credential::Token(presented) => return Ok(Some(Authenticated::Token(presented))),
                Credential::Jwt(jwt) => self.verify(jwt).await?,
            },
            #[cfg(feature = "jwt")]
            Evidence::JwtCookie(jwt) => self.verify(jwt).await?,
            Evidence::User(user) => user.clone().into(),
            Evidence::Lookup(lookup) => match lookup.ask().await? {
                Some(user) => user.into(),
                None => return Ok(None),
            },
        };
        Ok(Some(Authenticated::User(user)))
    }

    /// The headers by which it decides.
    pub(crate) fn headers(&self) -> Vec<HeaderName> {
        let mut headers = vec![AUTHORIZATION];
        #[cfg(feature = "jwt")]
        headers.extend(self.jwt_cookie.is_some().then_some(http::header::COOKIE));
        headers.extend(self.source.iter().flat_map(|source| source.headers()));
        headers
    }

    #[cfg(feature = "jwt")]
    async fn verify(&self, jwt: &str) -> Result<VerifiedUser, Error> {
        self.verifier.as_ref().ok_or_else(no_jwts)?.verify(jwt).await
    }

    #[cfg(not(feature = "jwt"))]
    #[expect(clippy::unused_async, reason = "with the feature jwt it may wait for keys")]
    async fn verify(&self, _: &str) -> Result<VerifiedUser, Error> {
        Err(no_jwts())
    }
}

/// What a request's evidence has turned out to be.
pub(crate) enum Authenticated {
    /// An API token, which is not looked up yet.
    Token(Presented),
    User(VerifiedUser),
}

fn no_jwts() -> Error {
    credential::invalid("this service accepts no JWT in Authorization: send an API token, Bearer <key>:<secret>")
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Authenticator");
        #[cfg(feature = "jwt")]
        shown.field("verifier", &self.verifier).field("jwt_cookie", &self.jwt_cookie);
        shown
            .field("has_source", &self.source.is_some())
            .field("trusted_origins", &self.trusted_origins)
            .finish_non_exhaustive()
    }
}
