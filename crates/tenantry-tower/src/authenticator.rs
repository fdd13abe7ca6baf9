//! Credential → caller, as far as that is possible without the store.

use std::fmt;

use http::HeaderMap;
use tenantry_core::{access::caller::Caller, values::error::Error};

use crate::{
    jwt::{JwtVerifier, VerifiedToken},
    request::credential::{self, Credential},
};

/// Tells who is calling from a request's headers. Cheap to clone.
///
/// ```
/// use http::HeaderMap;
/// use tenantry_tower::Authenticator;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tenantry_core::values::error::Error> {
/// let authenticator = Authenticator::new(None);
/// assert!(authenticator.authenticate(&HeaderMap::new()).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Authenticator {
    verifier: Option<JwtVerifier>,
}

impl Authenticator {
    /// Accepts API tokens and, with a `verifier`, the JWTs of users.
    #[must_use]
    pub fn new(verifier: impl Into<Option<JwtVerifier>>) -> Self {
        Self { verifier: verifier.into() }
    }

    /// Who is calling; `None` if the request has no credential.
    ///
    /// A JWT is verified; that waits only for keys that must be fetched. An API token is not looked up: its secret is
    /// compared when its row is read.
    ///
    /// # Errors
    /// `unauthenticated`, `invalid_token` or `expired_token`. A credential that is not valid is never taken for none.
    /// Where keys are fetched, also `unavailable` and `rate_limited`: it cannot be told yet whether it is valid.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Caller>, Error> {
        let Some(value) = credential::header(headers)? else { return Ok(None) };
        let caller = match credential::parse(value)? {
            Credential::Token(presented) => Caller::Token(presented),
            Credential::Jwt(jwt) => Caller::User(Box::new(self.verify(jwt).await?.identity)),
        };
        Ok(Some(caller))
    }

    /// What `jwt` tells, if it is to be believed.
    pub(crate) async fn verify(&self, jwt: &str) -> Result<VerifiedToken, Error> {
        let verifier = self
            .verifier
            .as_ref()
            .ok_or_else(|| credential::invalid("this service accepts API tokens only: send Bearer <key>:<secret>"))?;
        verifier.verify(jwt).await
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("verifier", &self.verifier).finish()
    }
}
