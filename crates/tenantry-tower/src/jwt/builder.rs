//! What a verifier believes, put together and checked.

use std::{fmt, sync::Arc, time::Duration};

use tenantry_core::clock::{Clock, SystemClock};
#[cfg(feature = "jwks")]
use tenantry_core::entropy::{Entropy, SystemEntropy};

#[cfg(feature = "jwks")]
use super::jwks::{Issuer, Remote};
use super::{
    ClaimNames, Key,
    key_set::{self, KeySet},
    standing::Standing,
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
    #[cfg(feature = "jwks")]
    remotes: Vec<Issuer>,
    audiences: Vec<String>,
    leeway: Duration,
    names: ClaimNames,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "jwks")]
    entropy: Arc<dyn Entropy>,
}

impl JwtVerifierBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            issuers: Vec::new(),
            #[cfg(feature = "jwks")]
            remotes: Vec::new(),
            audiences: Vec::new(),
            leeway: Duration::ZERO,
            names: ClaimNames::default(),
            clock: Arc::new(SystemClock),
            #[cfg(feature = "jwks")]
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Adds a key of the issuers that [`issuer`](Self::issuer) names. They need at least one.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds an issuer: what `iss` may be. At least one is needed, of these or of those whose keys are fetched.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Adds an issuer whose keys are fetched. They verify its tokens and no others, and no other key verifies them.
    #[cfg(feature = "jwks")]
    #[must_use]
    pub fn issuer_keys(mut self, issuer: Issuer) -> Self {
        self.remotes.push(issuer);
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

    /// From where the time of a fetch is varied, so that many nodes do not fetch at once: the system's unless set.
    #[cfg(feature = "jwks")]
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Checks all of it together. Where keys are fetched, that begins now, in the tokio runtime that this is called in.
    ///
    /// # Errors
    /// At the first mistake, with the mend; where keys are fetched, also outside of a tokio runtime.
    pub fn build(self) -> Result<JwtVerifier, BuildError> {
        #[cfg(feature = "jwks")]
        let fetches = !self.remotes.is_empty();
        #[cfg(not(feature = "jwks"))]
        let fetches = false;
        let Self { keys, issuers, audiences, leeway, names, clock, .. } = self;
        if (issuers.is_empty() && !fetches) || issuers.iter().any(String::is_empty) {
            return Err(BuildError("a JwtVerifier needs an issuer: add issuer(\"https://…\")".to_owned()));
        }
        if issuers.is_empty() && !keys.is_empty() {
            return Err(BuildError("a key verifies for an issuer: add issuer(\"https://…\")".to_owned()));
        }
        if keys.is_empty() && !issuers.is_empty() {
            return Err(BuildError("a JwtVerifier needs a key: add key(Key::new(…))".to_owned()));
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
        let provider = key_set::provider()?;
        let keys = keys.into_iter().map(|key| key.usable(provider)).collect::<Result<_, _>>()?;
        Ok(JwtVerifier::new(Rules {
            keys: KeySet::new(provider, keys),
            standing: Standing::lasting(),
            #[cfg(feature = "jwks")]
            remotes: Remote::of_all(self.remotes, &issuers, provider, &clock, &self.entropy)?,
            issuers,
            audiences,
            leeway,
            names,
            clock,
        }))
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
