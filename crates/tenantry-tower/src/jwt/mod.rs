//! JWTs: which are believed, and what they tell.
//!
//! 1. An [`Issuer`] is one thing: its name, its keys, its audiences, its token types, and what it may vouch for. The `iss`
//!    of a token says whose it is, and everything else is asked of that issuer alone: its keys verify its tokens and no
//!    others. The header names a key by its `kid` alone: a key that it brings along or links to (`jwk`, `jku`, `x5u`,
//!    `x5c`) is not looked at.
//! 2. Users of two issuers are two users, though both are called the same (`sub`): the ids of one are plain at most, and
//!    those of all others name their issuer. See [`Issuer::qualified_ids`].
//! 3. Each key has one algorithm. A token whose header names another is refused, `none` included; so a public key can
//!    never be used as a secret.
//! 4. `iss`, `aud`, `exp` and `sub` must be there and be right; `nbf` must be right if it is there. The leeway is zero
//!    unless the host sets one, of at most five minutes. The time is the [`Clock`](tenantry_core::values::clock::Clock)'s.
//! 5. A token with a `kid` is verified by the keys of that name, and by those without a name; one without a `kid` by
//!    every key of its algorithm. A `crit` header is refused: nothing critical is understood.
//! 6. What is no bearer token for access does not pass for one: other types (`typ`) are refused, and so is a token that is
//!    bound to a key of its client (`cnf`).
//! 7. Header and claims are JSON objects in which no member stands twice.
//! 8. Claims that only describe the user are dropped when they are malformed or too long. They never refuse a token. The
//!    organization is no such claim: see [`ClaimNames::organization`].
//! 9. With the feature `jwks`, keys are fetched from their issuer; see `Jwks`.

mod builder;
mod claims;
mod issuer;
mod issuer_rules;
#[cfg(feature = "jwks")]
mod jwks;
mod key_set;
mod keys;
mod providers;
mod token;
mod unique_members;
mod verify;

#[cfg(feature = "jwks")]
pub use self::jwks::Jwks;

pub use self::{
    builder::JwtVerifierBuilder,
    claims::ClaimNames,
    issuer::{Issuer, Keys},
    keys::{Algorithm, Key},
    verify::JwtVerifier,
};
