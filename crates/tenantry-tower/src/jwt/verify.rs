//! The verification itself.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tenantry_core::{
    clock::{Clock, Timestamp},
    error::{Error, ErrorKind},
    ids::UserId,
};

#[cfg(feature = "jwks")]
use super::jwks::Remote;
use super::{
    ClaimNames, JwtVerifierBuilder,
    claims::Verified,
    key_set::{Finding, KeySet},
    standing::{Standing, Vouched},
    token::Token,
};
use crate::credential::invalid;

/// Tells whether a JWT is to be believed, and whom it names. Cheap to clone. See the [module](super) for the rules.
///
/// ```
/// use tenantry_tower::jwt::{Algorithm, JwtVerifier, Key};
///
/// let verifier = JwtVerifier::builder()
///     .issuer("https://id.example.com/")
///     .audience("https://api.example.com/")
///     .key(Key::new(Algorithm::Hs256, "a secret of at least thirty-two bytes").kid("2026-11"))
///     .build()?;
/// # Ok::<(), tenantry_tower::BuildError>(())
/// ```
#[derive(Clone)]
pub struct JwtVerifier(Arc<Rules>);

/// What a verifier believes.
pub(super) struct Rules {
    /// The keys of `issuers`.
    pub(super) keys: KeySet,
    pub(super) standing: Arc<Standing>,
    /// Issuers whose keys are fetched.
    #[cfg(feature = "jwks")]
    pub(super) remotes: Vec<Remote>,
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) leeway: Duration,
    pub(super) names: ClaimNames,
    pub(super) clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Begins with nothing believed.
    #[must_use]
    pub fn builder() -> JwtVerifierBuilder {
        JwtVerifierBuilder::new()
    }

    pub(super) fn new(rules: Rules) -> Self {
        Self(Arc::new(rules))
    }

    /// What `jwt` tells, if all is right with it.
    pub(crate) async fn verify(&self, jwt: &str) -> Result<Verified, Error> {
        let token = Token::parse(jwt)?;
        let vouched = self.0.signed(&token).await?;
        self.0.told(&token.claims, vouched)
    }
}

impl Rules {
    /// Makes sure that a key of the token's own issuer signed it. A key of one issuer verifies nothing of another.
    #[cfg_attr(
        not(feature = "jwks"),
        expect(clippy::unused_async, reason = "only keys that are fetched are waited for")
    )]
    async fn signed(&self, token: &Token<'_>) -> Result<Vouched, Error> {
        let issuer = token.claims.get("iss").and_then(Value::as_str);
        let issuer = issuer.ok_or_else(untrusted)?;
        #[cfg(feature = "jwks")]
        if let Some(remote) = self.remotes.iter().find(|remote| remote.issuer() == issuer) {
            return remote.vouch(token).await;
        }
        if !self.issuers.iter().any(|known| known == issuer) {
            return Err(untrusted());
        }
        match self.keys.look(token) {
            Finding::Signed => Ok(Vouched::new(&self.standing, 0)),
            Finding::Forged | Finding::Unknown => Err(unsigned()),
        }
    }

    /// What signed `claims` tell. Only a token that is right in everything else is called expired.
    fn told(&self, claims: &Map<String, Value>, vouched: Vouched) -> Result<Verified, Error> {
        if !self.is_audience(claims.get("aud")) {
            return Err(invalid("the token is not meant for this service (aud)"));
        }
        let id = claims.get("sub").and_then(Value::as_str).and_then(|sub| UserId::new(sub).ok());
        let id = id.ok_or_else(|| invalid("the token does not name a user (sub)"))?;
        let expiry = claims.get("exp").and_then(moment);
        let expiry = expiry.ok_or_else(|| invalid("the token does not say when it ends (exp)"))?;
        let now = self.clock.now();
        if let Some(not_before) = claims.get("nbf") {
            let not_before = moment(not_before).ok_or_else(|| invalid("the token's nbf is malformed"))?;
            if not_before > now.after(self.leeway) {
                return Err(invalid("the token is not valid yet (nbf)"));
            }
        }
        let expires_at = expiry.after(self.leeway);
        if expires_at <= now {
            return Err(expired());
        }
        let mut identity = self.names.identity(id, claims);
        let issued_at = claims.get("iat").and_then(moment);
        identity.issued_at = issued_at.filter(|issued_at| *issued_at <= now.after(self.leeway));
        Ok(Verified { identity, organization: self.names.organization(claims), expires_at, vouched })
    }

    fn is_audience(&self, audience: Option<&Value>) -> bool {
        let is_ours =
            |value: &Value| value.as_str().is_some_and(|text| self.audiences.iter().any(|known| known == text));
        match audience {
            Some(Value::Array(several)) => several.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }
}

/// No key that is believed signed the token.
pub(super) fn unsigned() -> Error {
    invalid("the token was not signed by a key that is trusted here")
}

fn untrusted() -> Error {
    invalid("the token is not from an issuer (iss) that is trusted here")
}

/// The token was right and has ended.
pub(crate) fn expired() -> Error {
    Error::new(ErrorKind::ExpiredToken, "the token has expired: get a new one")
}

/// A `NumericDate`: seconds since 1970, which may have a fraction.
fn moment(value: &Value) -> Option<Timestamp> {
    const SECONDS_MAX: f64 = 253_402_207_200.0;
    let seconds = value.as_f64().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "the bounds were checked")]
    let millis = (seconds * 1000.0) as i64;
    Some(Timestamp::from_millis(millis))
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JwtVerifier");
        shown.field("algorithms", &self.0.keys.algorithms().collect::<Vec<_>>()).field("issuers", &self.0.issuers);
        #[cfg(feature = "jwks")]
        shown.field("fetched", &self.0.remotes);
        shown.field("audiences", &self.0.audiences).finish_non_exhaustive()
    }
}
