//! An issuer that was checked, and what becomes of its tokens.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};
use tenantry_core::values::{clock::Timestamp, error::Error, ids::UserId};

#[cfg(feature = "jwks")]
use super::jwks::Remote;
use super::{
    ClaimNames,
    claims::find,
    issuer::bare,
    key_set::{KeyCheck, KeySet},
    token::Token,
    verify::{Now, expired, unsigned},
};
use crate::{
    identity::{
        key_generation::{KeyGenerations, SignedBy},
        verified_user::{KeyValidity, VerifiedUser},
    },
    request::credential::invalid,
};

/// What `typ` may be where the host names no type.
const TOKEN_TYPES: [&str; 2] = ["JWT", "at+jwt"];

/// An issuer whose tokens are believed.
pub(super) struct IssuerRules {
    pub(super) trust: IssuerKeys,
    pub(super) audiences: Vec<String>,
    pub(super) audience_claim: String,
    /// Without `application/`; empty if the host names none.
    pub(super) token_types: Vec<String>,
    pub(super) claims: ClaimNames,
    /// The issuer, if the ids of its users are to name it.
    pub(super) qualifier: Option<String>,
}

/// The keys of one issuer.
pub(super) enum IssuerKeys {
    Given {
        keys: KeySet,
        generations: Arc<KeyGenerations>,
    },
    #[cfg(feature = "jwks")]
    Fetched(Remote),
}

impl IssuerKeys {
    pub(super) fn given(keys: KeySet) -> Self {
        Self::Given { keys, generations: KeyGenerations::lasting() }
    }

    /// Makes sure that one of the keys signed `token`.
    #[cfg_attr(
        not(feature = "jwks"),
        expect(clippy::unused_async, reason = "only keys that are fetched are waited for")
    )]
    pub(super) async fn verify_signature(&self, token: &Token<'_>) -> Result<SignedBy, Error> {
        match self {
            Self::Given { keys, generations } => match keys.look(token) {
                KeyCheck::Signed => Ok(SignedBy::new(generations, 0)),
                KeyCheck::Forged | KeyCheck::Unknown => Err(unsigned()),
            },
            #[cfg(feature = "jwks")]
            Self::Fetched(remote) => remote.verify_signature(token).await,
        }
    }
}

impl IssuerRules {
    /// What a token tells that one of the issuer's keys signed. Only one that is right in everything else is called
    /// expired.
    pub(super) fn verified_user(&self, token: &Token<'_>, signed_by: SignedBy, at: Now) -> Result<VerifiedUser, Error> {
        let claims = &token.claims;
        if !self.is_audience(find(claims, &self.audience_claim)) {
            return Err(invalid(format!("the token is not meant for this service ({})", self.audience_claim)));
        }
        if !self.is_accepted(token.header.typ.as_deref()) {
            return Err(invalid("tokens of this type (typ) are not accepted here: send an access token"));
        }
        if claims.get("cnf").is_some_and(|bound| !bound.is_null()) {
            return Err(invalid(
                "the token is bound to a key of its client (cnf), of which there is no proof here: get a bearer token",
            ));
        }
        let id = self.user(self.claims.user(claims))?;
        let expires_at = expiry(claims, at)?;
        if expires_at <= at.now {
            return Err(expired());
        }
        let mut identity = self.claims.identity(id, claims);
        identity.issued_at = issued_at(claims, at);
        Ok(VerifiedUser {
            identity: Arc::new(identity),
            limit: self.claims.limit(claims),
            expires_at: Some(expires_at),
            ends: None,
            keys: KeyValidity { signed_by: Some(signed_by) },
        })
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

    fn is_accepted(&self, typ: Option<&str>) -> bool {
        let Some(typ) = typ.map(bare) else { return self.token_types.is_empty() };
        if self.token_types.is_empty() {
            TOKEN_TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ))
        } else {
            self.token_types.iter().any(|known| known.eq_ignore_ascii_case(typ))
        }
    }

    /// The user whom this issuer calls `sub`, in the claim of this name.
    fn user(&self, (claim, sub): (&str, Option<&Value>)) -> Result<UserId, Error> {
        let sub = match sub {
            Some(Value::String(sub)) => sub,
            None | Some(Value::Null) => return Err(invalid(format!("the token does not name a user ({claim})"))),
            Some(_) => return Err(invalid(format!("the token's {claim} must be a text"))),
        };
        let id = match &self.qualifier {
            Some(issuer) => UserId::qualified(issuer, sub),
            None => UserId::new(sub.as_str()),
        };
        let id = id.map_err(|error| invalid(format!("the token's {claim} cannot name a user: {error}")))?;
        if self.qualifier.is_none() && id.is_qualified() {
            return Err(invalid(format!(
                "the token's {claim} reads like the id of another issuer's user (iss:), and is refused"
            )));
        }
        Ok(id)
    }
}

/// When the token ends, the leeway included. One that has not begun is refused.
fn expiry(claims: &Map<String, Value>, at: Now) -> Result<Timestamp, Error> {
    let expiry = match claims.get("exp") {
        None | Some(Value::Null) => return Err(invalid("the token does not say when it ends (exp)")),
        Some(expiry) => moment("exp", expiry)?,
    };
    if let Some(not_before) = claims.get("nbf")
        && moment("nbf", not_before)? > at.now.after(at.leeway)
    {
        return Err(invalid("the token is not valid yet (nbf)"));
    }
    Ok(expiry.after(at.leeway))
}

/// When the issuer said all this; `None` if it does not tell, or tells what cannot be.
fn issued_at(claims: &Map<String, Value>, at: Now) -> Option<Timestamp> {
    let issued_at = moment("iat", claims.get("iat")?).ok()?;
    (issued_at <= at.now.after(at.leeway)).then_some(issued_at)
}

/// A `NumericDate`: seconds since 1970, which may have a fraction. What lies beyond the last moment is that moment.
fn moment(claim: &str, value: &Value) -> Result<Timestamp, Error> {
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    let seconds =
        seconds.ok_or_else(|| invalid(format!("the token's {claim} is not a number of seconds since 1970")))?;
    if seconds < 0.0 {
        return Err(invalid(format!("the token's {claim} lies before 1970")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "what is too much becomes the most, and that is too late")]
    let millis = (seconds * 1000.0) as i64;
    Ok(Timestamp::from_millis(millis))
}

impl fmt::Debug for IssuerRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Issuer");
        match &self.trust {
            IssuerKeys::Given { keys, .. } => shown.field("algorithms", &keys.algorithms().collect::<Vec<_>>()),
            #[cfg(feature = "jwks")]
            IssuerKeys::Fetched(remote) => shown.field("keys", remote),
        };
        shown
            .field("audiences", &self.audiences)
            .field("audience_claim", &self.audience_claim)
            .field("token_types", &self.token_types)
            .field("claims", &self.claims)
            .field("qualified", &self.qualifier.is_some())
            .finish()
    }
}
