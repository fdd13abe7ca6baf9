//! What a verifier believes, put together and checked.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    sync::Arc,
    time::Duration,
};

use jsonwebtoken::crypto::CryptoProvider;
use tenantry_core::values::clock::{Clock, SystemClock};

use super::{
    Issuer,
    issuer::shown,
    key_set,
    verify::{JwtVerifier, Rules},
};
use crate::{BuildError, limits};
#[cfg(feature = "jwks")]
use tenantry_core::values::entropy::{Entropy, SystemEntropy};

/// Collects what a [`JwtVerifier`] believes.
#[derive(Clone)]
pub struct JwtVerifierBuilder {
    issuers: Vec<Issuer>,
    share_users: bool,
    leeway: Duration,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "jwks")]
    entropy: Arc<dyn Entropy>,
}

/// What is the same for all issuers, and what their keys are used and fetched with.
pub(super) struct Resources {
    pub(super) provider: &'static CryptoProvider,
    #[cfg(feature = "jwks")]
    pub(super) clock: Arc<dyn Clock>,
    #[cfg(feature = "jwks")]
    pub(super) entropy: Arc<dyn Entropy>,
}

impl JwtVerifierBuilder {
    pub(super) fn new() -> Self {
        Self {
            issuers: Vec::new(),
            share_users: false,
            leeway: Duration::ZERO,
            clock: Arc::new(SystemClock),
            #[cfg(feature = "jwks")]
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Adds an issuer. At least one is needed; of several, the ids of all but one are [qualified](Issuer::qualified_ids).
    #[must_use]
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Lets several issuers have plain ids: a user whom they call the same is the same.
    ///
    /// That is right where all of them know the users by one list, such as two names of one identity provider.
    ///
    /// # Danger
    /// Whoever can have any of these issuers call them `ann` is the user `ann` of all, with everything that is theirs.
    #[must_use]
    pub fn dangerously_share_users(mut self) -> Self {
        self.share_users = true;
        self
    }

    /// How far this machine's clock and the issuers' may be apart: zero unless set, at most 300 s.
    ///
    /// # Danger
    /// A token is accepted this much longer than its issuer meant it to be.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The clock that `exp`, `nbf` and `iat` are compared with: the system's unless set.
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
        if self.issuers.is_empty() {
            return Err(BuildError::new(
                "a JwtVerifier needs an issuer: add issuer(Issuer::new(\"https://…\", …))".to_owned(),
            ));
        }
        if self.leeway > limits::LEEWAY_MAX {
            return Err(BuildError::new(format!(
                "a leeway of {} s is too much: set the machine's clock, and give at most {} s",
                self.leeway.as_secs(),
                limits::LEEWAY_MAX.as_secs()
            )));
        }
        self.check_users()?;
        let surroundings = Resources {
            provider: key_set::provider()?,
            #[cfg(feature = "jwks")]
            clock: self.clock.clone(),
            #[cfg(feature = "jwks")]
            entropy: self.entropy,
        };
        let mut issuers = BTreeMap::new();
        for issuer in self.issuers {
            match issuers.entry(issuer.name().to_owned()) {
                Entry::Vacant(vacant) => drop(vacant.insert(issuer.check(&surroundings)?)),
                Entry::Occupied(known) => {
                    let name = shown(known.key());
                    return Err(BuildError::new(format!("the issuer {name} is named twice: leave one issuer(…) out")));
                }
            }
        }
        Ok(JwtVerifier::new(Rules { issuers, leeway: self.leeway, clock: self.clock }))
    }

    /// No two issuers have a user in common, unless the host says so.
    fn check_users(&self) -> Result<(), BuildError> {
        let mut plain = self.issuers.iter().filter(|issuer| !issuer.is_qualified()).map(Issuer::name);
        match (plain.next(), plain.next()) {
            // One that is named twice is told so.
            (Some(first), Some(second)) if !self.share_users && first != second => Err(BuildError::new(format!(
                "a user of {} and one of {} would be the same if both are called the same: add qualified_ids() to the \
                 issuer that came later, and what is kept for the users of the other stays theirs; only if a sub means \
                 the same person to both, add dangerously_share_users()",
                shown(first),
                shown(second)
            ))),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for JwtVerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifierBuilder").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}
