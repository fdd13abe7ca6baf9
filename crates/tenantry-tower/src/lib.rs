//! The tower layer of Tenantry.

mod authenticator;
mod cache;
mod choice;
mod credential;
#[cfg(feature = "axum")]
mod extract;
mod flights;
mod future;
mod generations;
pub mod jwt;
mod keyed;
mod layer;
pub mod problem;
mod require;
mod resolved;
mod resolver;
mod service;

#[cfg(feature = "axum")]
pub use self::extract::{Memberships, Rejection};
pub use self::{
    authenticator::Authenticator,
    choice::Choice,
    future::ResponseFuture,
    jwt::{ClaimNames, JwtVerifier, JwtVerifierBuilder},
    layer::{TenancyLayer, TenancyLayerBuilder},
    require::{Require, RequirePermission, require},
    resolved::{Resolved, Tenant},
    service::Tenancy,
};

/// What was configured cannot be used; the message names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub(crate) String);
