//! Credential → caller, as far as that is possible without the store.

use std::fmt;

use http::HeaderMap;
use tenantry_core::{caller::Caller, error::Error};

use crate::{
    credential::{self, Credential},
    jwt::{JwtVerifier, Verified},
};

/// Tells who is calling from a request's headers. Cheap to clone.
///
/// ```
/// use http::HeaderMap;
/// use tenantry_tower::Authenticator;
///
/// let authenticator = Authenticator::new(None);
/// assert!(authenticator.authenticate(&HeaderMap::new())?.is_none());
/// # Ok::<(), tenantry_core::error::Error>(())
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
    /// A JWT is verified. An API token is not looked up: its secret is compared when its row is read.
    ///
    /// # Errors
    /// `unauthenticated`, `invalid_token` or `expired_token`. A credential that is not valid is never taken for none.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Caller>, Error> {
        let Some(value) = credential::header(headers)? else { return Ok(None) };
        let caller = match credential::parse(value)? {
            Credential::Token(presented) => Caller::Token(presented),
            Credential::Jwt(jwt) => Caller::User(Box::new(self.verify(jwt)?.identity)),
        };
        Ok(Some(caller))
    }

    /// What `jwt` tells, if it is to be believed.
    pub(crate) fn verify(&self, jwt: &str) -> Result<Verified, Error> {
        let verifier = self
            .verifier
            .as_ref()
            .ok_or_else(|| credential::invalid("this service accepts API tokens only: send Bearer <key>:<secret>"))?;
        verifier.verify(jwt)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("verifier", &self.verifier).finish()
    }
}
