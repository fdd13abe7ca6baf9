#![doc = include_str!("../README.md")]

mod actor;
mod builder;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(any(feature = "embedded", feature = "redis"))]
mod stores;
#[cfg(feature = "testing")]
pub mod testing;

use tenantry_core::engine::Engine;

pub use actor::Actor;
pub use builder::TenantryBuilder;
#[cfg(any(feature = "embedded", feature = "redis"))]
pub use stores::{OpenStoreError, open_store};

/// What stands before an `impl` of the host's own traits: [`Hooks`](core::host::hooks::Hooks), say.
pub use async_trait::async_trait;
/// The version of axum that [`Tenantry::router`] is made with.
#[cfg(feature = "admin")]
pub use axum;
/// The versions of the crates whose types the layer and refusals are made of.
pub use {bytes, http};

/// The domain: operations, ids, errors, the contract of a store.
pub use tenantry_core as core;
#[cfg(feature = "embedded")]
pub use tenantry_embedded::EmbeddedStore;
#[cfg(feature = "redis-tls")]
pub use tenantry_redis::Tls as RedisTls;
#[cfg(feature = "redis")]
pub use tenantry_redis::{Options as RedisOptions, RedisStore};
#[cfg(feature = "jwt")]
pub use tenantry_tower::jwt;
pub use tenantry_tower::{
    AnyBody, Authenticator, BodyKind, BuildError, Choice, Head, HostChoice, IdentitySource, Require, RequirePermission,
    Resolved, ResponseBody, ResponseFuture, SameBody, Tenant, TenantryLayer, TenantryLayerBuilder, TenantryService,
    identity, problem, require, require_all, require_any, require_user,
};
#[cfg(feature = "axum")]
pub use tenantry_tower::{Memberships, Rejection};

/// Everything a host needs, put together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tenantry {
    engine: Engine,
    #[cfg(feature = "admin")]
    authenticator: tenantry_tower::Authenticator,
    layer: TenantryLayer,
}

impl Tenantry {
    /// Begins with the built-in permissions and roles, no store and no way to verify JWTs.
    #[must_use]
    pub fn builder() -> TenantryBuilder {
        TenantryBuilder::default()
    }

    /// The layer that lets a request pass only with a [`Tenant`].
    ///
    /// Put it around the whole router, `tenantry.layer().layer(router)`, and list what the router serves
    /// ([`TenantryLayerBuilder::serves`]): that is the cheapest, and what is not listed is 404. Or hand it to
    /// `Router::route_layer` of the routes that belong to an organization: then there is nothing to list, and each request
    /// costs some 200 ns more. `Router::layer` would wrap the router's own 404, too, and ask for a credential first.
    ///
    /// Routes that are open to everybody have `tenantry.layer().optional()`, which shares what this one remembers.
    #[must_use]
    pub fn layer(&self) -> TenantryLayer {
        self.layer.clone()
    }

    /// The admin router, to be nested where the host likes. It authenticates by itself.
    #[cfg(feature = "admin")]
    pub fn router(&self) -> axum::Router {
        tenantry_admin::router(self.engine.clone(), self.authenticator.clone())
    }

    /// As [`require`], once it is sure that `permission` is registered: a name that is misspelt fails when the service starts.
    ///
    /// # Errors
    /// If it is not registered.
    pub fn require(&self, permission: impl AsRef<str>) -> Result<RequirePermission, BuildError> {
        require(permission).checked(self.engine.registry())
    }

    /// The domain, for a host that carries out operations itself.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
