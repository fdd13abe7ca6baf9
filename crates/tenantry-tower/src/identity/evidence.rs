//! What a request presents, before anything of it is verified.

use std::borrow::Cow;

use http::HeaderValue;
use tenantry_core::{
    access::caller::Identity,
    values::{address::Address, clock::Timestamp},
};

use super::{AuthenticatedUser, source::Lookup};
use crate::keyed_hash::Hashing;

/// By what a request says who is calling.
#[derive(Clone)]
pub(crate) enum Evidence<'a> {
    /// The `Authorization` header.
    Authorization(Cow<'a, HeaderValue>),
    /// A JWT in the host's cookie.
    #[cfg(feature = "jwt")]
    JwtCookie(Cow<'a, str>),
    /// A user of whom the host says at each request that they are calling.
    User(AuthenticatedUser),
    /// Somebody whom the host must look up.
    Lookup(Lookup),
}

impl Evidence<'_> {
    /// Adds all that it says to a cache key.
    ///
    /// Each kind adds another number of parts, or begins with another name: what one presents can never be taken for what
    /// another does.
    pub(crate) fn hash(&self, hashing: &mut Hashing) {
        match self {
            Self::Authorization(value) => hashing.add(Some(value.as_bytes())),
            #[cfg(feature = "jwt")]
            Self::JwtCookie(jwt) => {
                hashing.add(Some(b"cookie"));
                hashing.add(Some(jwt.as_bytes()));
            }
            Self::User(user) => {
                hashing.add(Some(b"user"));
                hash_user(&user.identity, hashing);
            }
            Self::Lookup(lookup) => {
                hashing.add(Some(b"lookup"));
                hashing.add(Some(lookup.key()));
            }
        }
    }

    /// When it ends, as the host says at each request: of a session that each request prolongs, each time another time.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        if let Self::User(user) = self { user.until } else { None }
    }

    /// Whether a browser sends it along with requests that another site made it send.
    pub(super) fn is_ambient(&self) -> bool {
        !matches!(self, Self::Authorization(_))
    }

    pub(crate) fn into_owned(self) -> Evidence<'static> {
        match self {
            Self::Authorization(value) => Evidence::Authorization(Cow::Owned(value.into_owned())),
            #[cfg(feature = "jwt")]
            Self::JwtCookie(jwt) => Evidence::JwtCookie(Cow::Owned(jwt.into_owned())),
            Self::User(user) => Evidence::User(user),
            Self::Lookup(lookup) => Evidence::Lookup(lookup),
        }
    }
}

/// Everything that the host says of who the user is: whoever is described otherwise is somebody else to the cache. Not the
/// times, which may be others at each request: see [`Evidence::until`].
fn hash_user(identity: &Identity, hashing: &mut Hashing) {
    hashing.add(Some(identity.id.as_str().as_bytes()));
    hashing.add(identity.email.as_ref().and_then(Address::as_email).map(str::as_bytes));
    hashing.add(identity.username.as_ref().and_then(Address::as_username).map(str::as_bytes));
    hashing.add(identity.name.as_deref().map(str::as_bytes));
    hashing.add(identity.avatar_url.as_deref().map(str::as_bytes));
    hashing.add(Some(&[u8::from(identity.email_verified), u8::from(identity.platform_admin)]));
}
