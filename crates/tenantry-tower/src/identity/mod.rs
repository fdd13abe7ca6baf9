//! Who is calling: what a request presents, and who vouches for it.
//!
//! 1. **`Authorization`** counts first: an API token, or a user's JWT. One that is not valid is refused, whoever else could
//!    tell who is calling.
//! 2. **A cookie that holds a JWT** counts where there is no `Authorization`, if the host names one
//!    ([`Authenticator::jwt_cookie`]).
//! 3. **The host's own [`IdentitySource`]** is asked last: a session, a token of the host's own form, or a
//!    [proxy in front](TrustedProxy).
//!
//! # Cookies and cross-site requests
//! A browser sends cookies along with requests that another site made it send. `Authorization` it sends for nobody else.
//! So without `Authorization`, a request that a page of another site made is refused, by the layer and by the admin router:
//! unless it only reads (`GET`, `HEAD`, `OPTIONS`), and also then if it opens a WebSocket. `Sec-Fetch-Site` and `Origin`
//! tell which site it was; of whom else it may be, the host says ([`Authenticator::trusted_origins`]). The rest is the
//! host's: change nothing by `GET`, and mark the cookie `HttpOnly`, `Secure` and `SameSite=Lax`.

pub(crate) mod authenticator;
mod cross_site;
pub(crate) mod evidence;
#[cfg(feature = "jwt")]
pub(crate) mod key_generation;
mod proxy;
mod source;
mod user;
pub(crate) mod verified_user;

pub use self::{
    authenticator::Authenticator,
    proxy::TrustedProxy,
    source::{Identified, IdentitySource, from_extensions},
    user::AuthenticatedUser,
};
