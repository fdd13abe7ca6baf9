//! A user whose credential was found right, and what follows from it.

use std::{sync::Arc, time::Duration};

use tenantry_core::{
    access::caller::Identity,
    values::{clock::Timestamp, error::Error, visible_text, web_address},
};

use super::AuthenticatedUser;
#[cfg(feature = "jwt")]
use super::key_generation::SignedBy;
use crate::{
    limits,
    request::{choice::OrganizationName, credential::invalid},
};

/// What a credential tells that is to be believed.
#[derive(Clone)]
pub(crate) struct VerifiedUser {
    pub(crate) identity: Arc<Identity>,
    /// The organization that the credential is for.
    pub(crate) limit: Limit,
    /// When the credential ends by the calendar, the leeway included.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it must be asked again, by the time that passes.
    pub(crate) ends: Option<Duration>,
    pub(crate) keys: KeyValidity,
}

impl VerifiedUser {
    /// Whether it may be told again without asking anybody.
    pub(crate) fn holds(&self, now: Timestamp, elapsed: Duration) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
            && self.ends.is_none_or(|end| elapsed < end)
            && self.keys.stands()
            && self.keys.believed_until().is_none_or(|end| now < end)
    }
}

impl From<AuthenticatedUser> for VerifiedUser {
    fn from(user: AuthenticatedUser) -> Self {
        Self {
            identity: bounded(user.identity),
            limit: Limit::None,
            expires_at: user.until,
            ends: None,
            keys: KeyValidity::default(),
        }
    }
}

/// The user without what is malformed or too long, as it is with the claims of a JWT.
fn bounded(identity: Arc<Identity>) -> Arc<Identity> {
    let name = identity.name.as_deref().and_then(display_name);
    let avatar_url = identity.avatar_url.as_deref().and_then(web_address::read);
    if name == identity.name.as_deref() && avatar_url == identity.avatar_url {
        return identity;
    }
    let mut bounded = (*identity).clone();
    (bounded.name, bounded.avatar_url) = (name.map(str::to_owned), avatar_url);
    Arc::new(bounded)
}

/// A name for people to read: one line that is not too long, without the space around it.
pub(crate) fn display_name(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = text.chars().count() <= limits::DISPLAY_NAME_CHARS_MAX && visible_text::is_name(text);
    fits.then_some(text)
}

/// By which keys a JWT was verified; nothing of a credential that no key has signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyValidity {
    #[cfg(feature = "jwt")]
    pub(crate) signed_by: Option<SignedBy>,
}

impl KeyValidity {
    /// Whether the keys are still those.
    pub(crate) fn stands(&self) -> bool {
        #[cfg(feature = "jwt")]
        let stands = self.signed_by.as_ref().is_none_or(SignedBy::stands);
        #[cfg(not(feature = "jwt"))]
        let stands = true;
        stands
    }

    /// When the keys are too old to be believed, as of now.
    pub(crate) fn believed_until(&self) -> Option<Timestamp> {
        #[cfg(feature = "jwt")]
        let until = self.signed_by.as_ref().map(SignedBy::believed_until);
        #[cfg(not(feature = "jwt"))]
        let until = None;
        until
    }
}

/// The organization that a credential is for, as its issuer says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "jwt"), expect(dead_code, reason = "only the claims of a JWT limit a credential"))]
pub(crate) enum Limit {
    /// It may be any.
    None,
    /// This one.
    Organization(OrganizationName),
    /// The claim of this name does not say which.
    Unclear(String),
}

impl Limit {
    /// The organization, if there is one.
    ///
    /// # Errors
    /// `invalid_token`, if it cannot be told which.
    pub(crate) fn organization(&self) -> Result<Option<&OrganizationName>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Organization(named) => Ok(Some(named)),
            Self::Unclear(claim) => Err(invalid(format!(
                "the token's claim {claim} does not name its organization by an id or a slug: get a token that does"
            ))),
        }
    }
}
