//! What a verifier believes, put together and checked.

use std::{fmt, sync::Arc, time::Duration};

use tenantry_core::clock::{Clock, SystemClock};

use super::{
    ClaimNames, Key,
    keys::KeySet,
    verify::{JwtVerifier, Rules},
};
use crate::BuildError;

/// The most leeway that may be set.
const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// Collects what a [`JwtVerifier`] believes.
#[derive(Clone)]
pub struct JwtVerifierBuilder {
    keys: Vec<Key>,
    issuers: Vec<String>,
    audiences: Vec<String>,
    leeway: Duration,
    names: ClaimNames,
    clock: Arc<dyn Clock>,
}

impl JwtVerifierBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: Duration::ZERO,
            names: ClaimNames::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Adds a key. At least one is needed.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds an issuer: what `iss` may be. At least one is needed.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Adds an audience: what `aud` may be or contain. At least one is needed.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// How far this machine's clock and the issuer's may be apart: zero unless set, at most 300 s.
    ///
    /// # Danger
    /// A token is accepted this much longer than its issuer meant it to be.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Which claims tell of the user.
    #[must_use]
    pub fn claims(mut self, names: ClaimNames) -> Self {
        self.names = names;
        self
    }

    /// The clock that `exp` and `nbf` are compared with: the system's unless set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks all of it together.
    ///
    /// # Errors
    /// At the first mistake, with the mend.
    pub fn build(self) -> Result<JwtVerifier, BuildError> {
        let Self { keys, issuers, audiences, leeway, names, clock } = self;
        if issuers.is_empty() || issuers.iter().any(String::is_empty) {
            return Err(BuildError("a JwtVerifier needs an issuer: add issuer(\"https://…\")".to_owned()));
        }
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(BuildError("a JwtVerifier needs an audience: add audience(\"…\")".to_owned()));
        }
        if leeway > LEEWAY_MAX {
            return Err(BuildError(format!(
                "a leeway of {} s is too much: set the machine's clock, and give at most {} s",
                leeway.as_secs(),
                LEEWAY_MAX.as_secs()
            )));
        }
        Ok(JwtVerifier::new(Rules { keys: KeySet::new(keys)?, issuers, audiences, leeway, names, clock }))
    }
}

impl fmt::Debug for JwtVerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifierBuilder")
            .field("keys", &self.keys)
            .field("issuers", &self.issuers)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}
