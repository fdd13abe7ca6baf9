//! The tower layer of Tenantry: turns a request's credential into a `Tenant`.

mod authenticator;
mod credential;
pub mod jwt;
pub mod problem;

pub use self::{
    authenticator::Authenticator,
    jwt::{ClaimNames, JwtVerifier, JwtVerifierBuilder},
};

/// What was configured cannot be used; the message names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub(crate) String);
