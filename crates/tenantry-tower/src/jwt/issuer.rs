//! An issuer of JWTs, as the host describes it.

use std::fmt;

use tenantry_core::values::limits;

#[cfg(feature = "jwks")]
use super::jwks::{Jwks, Remote};
use super::{
    ClaimNames, Key,
    builder::Resources,
    issuer_rules::{IssuerKeys, IssuerRules},
    key_set::KeySet,
};
use crate::BuildError;

/// Who signs JWTs, and what is believed of them: one thing, for each issuer its own.
///
/// - **Keys** verify the tokens of their issuer, and of no other. They are [`Key`]s that the host gives, or with the
///   feature `jwks` a `Jwks`, which is fetched.
/// - **Audiences**: a token must be meant for one of them. At least one is needed. Name what stands for this service, and
///   never the client id of an application: that is the audience of OpenID Connect's id tokens, which are no access
///   tokens but look the same otherwise.
/// - **Token types** (`typ`): unless [`token_type`](Self::token_type) names others, `JWT`, `at+jwt` and none at all.
/// - **Claims** tell of the user what this issuer may vouch for: see [`ClaimNames`].
/// - **User ids**: `sub` is unique within its issuer only. See [`qualified_ids`](Self::qualified_ids).
///
/// ```
/// use tenantry_tower::{
///     ClaimNames,
///     jwt::{Algorithm, Issuer, JwtVerifier, Key},
/// };
///
/// # let (own, partners) = ("a secret of at least thirty-two bytes", "another secret of at least 32 bytes");
/// let verifier = JwtVerifier::builder()
///     .issuer(Issuer::new("https://id.example.com/", Key::new(Algorithm::Hs256, own)).audience("notes"))
///     // Users of the partner are others than those of the host, whatever they are called, and nobody takes the
///     // partner's word for whose an e-mail address is.
///     .issuer(
///         Issuer::new("https://partner.example", Key::new(Algorithm::Hs256, partners))
///             .audience("notes")
///             .qualified_ids()
///             .claims(ClaimNames::new().no_verified_email()),
///     )
///     .build()?;
/// # Ok::<(), tenantry_tower::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Issuer {
    name: String,
    keys: Keys,
    audiences: Vec<String>,
    audience_claim: String,
    token_types: Vec<String>,
    claims: ClaimNames,
    qualified: bool,
}

/// Where the keys of an [`Issuer`] come from: a [`Key`], several of them, or with the feature `jwks` a `Jwks`.
#[derive(Debug, Clone)]
pub struct Keys(Source);

#[derive(Debug, Clone)]
enum Source {
    Given(Vec<Key>),
    #[cfg(feature = "jwks")]
    Fetched(Jwks),
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self(Source::Given(vec![key]))
    }
}

impl<const N: usize> From<[Key; N]> for Keys {
    fn from(keys: [Key; N]) -> Self {
        Self(Source::Given(keys.into()))
    }
}

impl From<Vec<Key>> for Keys {
    fn from(keys: Vec<Key>) -> Self {
        Self(Source::Given(keys))
    }
}

#[cfg(feature = "jwks")]
impl From<Jwks> for Keys {
    fn from(jwks: Jwks) -> Self {
        Self(Source::Fetched(jwks))
    }
}

impl Issuer {
    /// The issuer whose tokens say `iss`, exactly so, and are signed by one of `keys`.
    ///
    /// What cannot be used is reported by [`JwtVerifierBuilder::build`](super::JwtVerifierBuilder::build).
    #[must_use]
    pub fn new(iss: impl Into<String>, keys: impl Into<Keys>) -> Self {
        Self {
            name: iss.into(),
            keys: keys.into(),
            audiences: Vec::new(),
            audience_claim: "aud".to_owned(),
            token_types: Vec::new(),
            claims: ClaimNames::new(),
            qualified: false,
        }
    }

    /// Adds an audience: what `aud` may be or contain. At least one is needed.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The claim that names the audience: `aud` unless set. Some providers' tokens say it elsewhere (`azp`, `client_id`).
    ///
    /// # Danger
    /// `azp` and `client_id` name the application that the token was issued to: name only your own applications as
    /// audiences then.
    #[must_use]
    pub fn audience_claim(mut self, claim: impl Into<String>) -> Self {
        self.audience_claim = claim.into();
        self
    }

    /// Adds a type of tokens that are accepted, such as `at+jwt` (RFC 9068): what `typ` in a token's header is, in
    /// whatever case, with `application/` before it or without. From the first on, only those that are named are
    /// accepted, and none without a type.
    ///
    /// Where the issuer gives its access tokens a type of their own, name it: no other token of the issuer's then passes
    /// for one (RFC 8725, 3.11).
    #[must_use]
    pub fn token_type(mut self, typ: impl Into<String>) -> Self {
        self.token_types.push(typ.into());
        self
    }

    /// Which claims tell of the user, and so what the issuer is believed about them: [`ClaimNames::new`] unless set.
    #[must_use]
    pub fn claims(mut self, names: ClaimNames) -> Self {
        self.claims = names;
        self
    }

    /// Has the ids of this issuer's users name it: the user whom it calls `ann` has the id `iss:<iss>#ann`
    /// ([`UserId::qualified`](tenantry_core::values::ids::UserId::qualified)) instead of `ann`. So no two issuers have a user in
    /// common, though both call one `ann`.
    ///
    /// A verifier has one issuer whose ids are plain, at most: the first that there was, say. An issuer that comes later
    /// has its ids qualified, and everything that is kept for the users of the first stays theirs. The form of an id
    /// depends on this setting alone, and not on how many issuers there are or in which order. A `sub` that begins with
    /// `iss:` is refused from an issuer whose ids are plain, whether the issuer that it names is known or not. An id has
    /// at most 255 bytes; a token whose `sub` makes it longer is refused.
    ///
    /// The host's own code meets the whole ids, too: in its directory, in its registrar, in a
    /// [`Tenant`](crate::Tenant), and as the `userId` of operations.
    ///
    /// # Danger
    /// Once users have signed in, to set this or to take it away makes others of all of them: what is kept for the users
    /// of before is theirs no more. And an issuer with plain ids in the place of another that had them takes over the
    /// users of that one.
    #[must_use]
    pub fn qualified_ids(mut self) -> Self {
        self.qualified = true;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_qualified(&self) -> bool {
        self.qualified
    }

    /// Checks all of it together.
    pub(super) fn check(self, surroundings: &Resources) -> Result<IssuerRules, BuildError> {
        let shown = shown(&self.name);
        let of_issuer = |error: BuildError| BuildError::new(format!("the issuer {shown}: {error}"));
        let wrong = |mend: &str| Err(BuildError::new(format!("the issuer {shown} {mend}")));
        let Self { name, keys, audiences, audience_claim, token_types, claims, qualified } = self;
        let bytes_max = limits::ISSUER_BYTES_MAX;
        if name.is_empty() || name.len() > bytes_max || name.chars().any(char::is_control) {
            return Err(BuildError::new(format!(
                "an Issuer needs a name of 1 to {bytes_max} bytes: give what the iss of its tokens is"
            )));
        }
        if qualified && name.contains('#') {
            return wrong("has a # in its name, so its users' ids cannot name it: leave qualified_ids() out");
        }
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return wrong("needs an audience: add audience(\"…\") to it");
        }
        if token_types.iter().any(|typ| bare(typ).is_empty()) {
            return wrong("has an empty token type: give token_type(\"at+jwt\"), say");
        }
        let trust = match keys.0 {
            Source::Given(keys) if keys.is_empty() => {
                return wrong("needs a key: give Issuer::new(…, Key::new(…))");
            }
            Source::Given(keys) => {
                let provider = surroundings.provider;
                let keys = keys.into_iter().map(|key| key.usable(provider)).collect::<Result<_, _>>();
                IssuerKeys::given(KeySet::new(provider, keys.map_err(of_issuer)?))
            }
            #[cfg(feature = "jwks")]
            Source::Fetched(jwks) => {
                let checked = jwks.check(&name).map_err(of_issuer)?;
                IssuerKeys::Fetched(Remote::new(checked, surroundings)?)
            }
        };
        let token_types = token_types.iter().map(|typ| bare(typ).to_owned()).collect();
        let qualifier = qualified.then_some(name);
        Ok(IssuerRules { trust, audiences, audience_claim, token_types, claims, qualifier })
    }
}

/// A token type without what may be left out of it (RFC 7515, 4.1.9).
pub(super) fn bare(typ: &str) -> &str {
    const OPTIONAL: &str = "application/";
    match typ.split_at_checked(OPTIONAL.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(OPTIONAL) => rest,
        _ => typ,
    }
}

/// The name of an issuer as it may be shown: whatever is between `//` and `@` may be a secret.
pub(super) fn shown(name: &str) -> String {
    match name.split_once("//") {
        Some((scheme, rest)) if rest.contains('@') => {
            let host = rest.rsplit_once('@').map_or("", |(_, host)| host);
            format!("{scheme}//…@{host}")
        }
        _ => name.to_owned(),
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("iss", &shown(&self.name))
            .field("keys", &self.keys.0)
            .field("audiences", &self.audiences)
            .field("audience_claim", &self.audience_claim)
            .field("token_types", &self.token_types)
            .field("claims", &self.claims)
            .field("qualified", &self.qualified)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_type_needs_no_application() {
        for typ in ["at+jwt", "application/at+jwt", "APPLICATION/at+jwt"] {
            assert_eq!(bare(typ), "at+jwt");
        }
        assert_eq!(bare("text/at+jwt"), "text/at+jwt");
        assert_eq!(bare("é"), "é");
        assert_eq!(bare("applicationé/x"), "applicationé/x");
    }

    #[test]
    fn a_password_in_a_name_is_not_shown() {
        assert_eq!(shown("https://ann:hunter2@id.example.com/a"), "https://…@id.example.com/a");
        assert_eq!(shown("https://hunter@2@id.example.com/"), "https://…@id.example.com/");
        assert_eq!(shown("https://id.example.com/"), "https://id.example.com/");
        assert_eq!(shown("ann@example.com"), "ann@example.com");
    }
}
