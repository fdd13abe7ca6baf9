//! The verification itself.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde_json::Value;
use tenantry_core::values::{
    clock::{Clock, Timestamp},
    error::{Error, ErrorKind},
};

use super::{JwtVerifierBuilder, issuer::shown, issuer_rules::IssuerRules, token::Token};
use crate::{identity::verified_user::VerifiedUser, request::credential::invalid};

/// Tells whether a JWT is to be believed, and whom it names. Cheap to clone. See the [module](super) for the rules.
///
/// ```
/// use tenantry_tower::jwt::{Algorithm, Issuer, JwtVerifier, Key};
///
/// let key = Key::new(Algorithm::Hs256, "a secret of at least thirty-two bytes").kid("2026-11");
/// let verifier = JwtVerifier::builder()
///     .issuer(Issuer::new("https://id.example.com/", key).audience("https://api.example.com/"))
///     .build()?;
/// # Ok::<(), tenantry_tower::BuildError>(())
/// ```
#[derive(Clone)]
pub struct JwtVerifier(Arc<Rules>);

/// What a verifier believes.
pub(super) struct Rules {
    /// By their names: what `iss` is.
    pub(super) issuers: BTreeMap<String, IssuerRules>,
    pub(super) leeway: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// What time it is, and how far the clock of whoever wrote another may be apart.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) now: Timestamp,
    pub(super) leeway: Duration,
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
    pub(crate) async fn verify(&self, jwt: &str) -> Result<VerifiedUser, Error> {
        let Rules { issuers, leeway, clock } = &*self.0;
        let token = Token::parse(jwt)?;
        // Everything that is asked from here on is asked of the token's own issuer: its keys, and what it may say.
        let issuer = token.claims.get("iss").and_then(Value::as_str).and_then(|name| issuers.get(name));
        let issuer = issuer.ok_or_else(untrusted)?;
        let signed_by = issuer.trust.verify_signature(&token).await?;
        issuer.verified_user(&token, signed_by, Now { now: clock.now(), leeway: *leeway })
    }
}

/// No key that is believed signed the token.
pub(super) fn unsigned() -> Error {
    invalid("the token was not signed by a key of its issuer's that is trusted here")
}

fn untrusted() -> Error {
    invalid("the token is not from an issuer (iss) that is trusted here")
}

/// The token was right and has ended.
pub(crate) fn expired() -> Error {
    Error::new(ErrorKind::ExpiredToken, "the token has expired: get a new one")
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: BTreeMap<_, _> = self.0.issuers.iter().map(|(name, issuer)| (shown(name), issuer)).collect();
        f.debug_struct("JwtVerifier").field("issuers", &issuers).finish_non_exhaustive()
    }
}
