//! JWTs: which are believed, and what they tell.
//!
//! 1. Each key has one algorithm. A token whose header names another is refused, `none` included; so a public key can
//!    never be used as a secret.
//! 2. `iss`, `aud`, `exp` and `sub` must be there and be right; `nbf` must be right if it is there. The leeway is zero
//!    unless the host sets one, of at most five minutes.
//! 3. A token with a `kid` is verified by the keys of that name, and by those without a name; one without a `kid` by
//!    every key of its algorithm. A `crit` header is refused: nothing critical is understood.
//! 4. The time is the [`Clock`](tenantry_core::clock::Clock)'s.
//! 5. Claims that only describe the user are dropped when they are malformed or too long. They never refuse a token.
//! 6. An issuer's keys verify its tokens and no others. The header names a key by its `kid` alone: a key that it brings
//!    along or links to (`jwk`, `jku`, `x5u`, `x5c`) is not looked at.
//! 7. With the feature `jwks`, keys are fetched from their issuer; see `Issuer`.

mod builder;
mod claims;
#[cfg(feature = "jwks")]
mod jwks;
mod key_set;
mod keys;
mod standing;
mod token;
mod verify;

#[cfg(feature = "jwks")]
pub use self::jwks::Issuer;

pub use self::{
    builder::JwtVerifierBuilder,
    claims::ClaimNames,
    keys::{Algorithm, Key},
    verify::JwtVerifier,
};
pub(crate) use self::{claims::Verified, standing::Vouched};
