//! The tower layer of Tenantry: turns the credential of a request into a [`Tenant`] in its extensions.
//!
//! 1. **The credential** is `Authorization: Bearer <jwt>` of a user, or `Bearer <key>:<secret>` or
//!    `Basic base64(<key>:<secret>)` of an API token; without `Authorization`, a JWT in a cookie, or whom the host's own
//!    [source](IdentitySource) names: see [`identity`]. One that is not valid is refused, also where none is needed.
//! 2. **The organization** of an API token is its own. That of a user is what the host's [`Choice`]s say: unless the host
//!    chooses otherwise the header `X-Organization-Id` (an id or a slug), or else their only one. If several speak (a
//!    header, a part of the path, a subdomain, a claim) and do not mean the same organization, the request is refused with
//!    400. An organization that the caller may not see is 404; one that is only remembered gives way to the next choice.
//! 3. **Required**: no request without a tenant reaches the service. **[Optional](TenantryLayer::optional)**: a request
//!    without a credential, or of a user of whom it is not said which organization they mean, reaches it without a tenant.
//!    [User only](TenantryLayer::user_only): the page on which a user chooses. All are made of one layer, and share what it
//!    remembers.
//! 4. **A route's permission** is written at the route: [`require`], [`require_all`], [`require_any`], [`require_user`].
//! 5. **A path that is not [served](TenantryLayerBuilder::serves)** is 404, before any credential is looked at, if the host
//!    lists what is. [Exempt](TenantryLayerBuilder::exempt) paths pass as they came.
//! 6. **What is known is not asked again.** An answer is remembered for at most
//!    [`max_age`](TenantryLayerBuilder::max_age), as long as the store's change notices arrive and none of them is about
//!    it. While notices may be missing, or were last proven to arrive longer than
//!    [`max_staleness`](TenantryLayerBuilder::max_staleness) ago, every request asks the store. All who ask for the same
//!    unknown thing at once cause one read. A refusal is remembered for 5 s at most, and apart: wrong credentials push out
//!    no right ones. **[Strict](TenantryLayerBuilder::strict)**: every request asks for itself.
//! 7. **What is refused** is an `application/problem+json` (see [`problem`]), or what the host makes of it
//!    ([`refuse_with`](TenantryLayerBuilder::refuse_with)).
//! 8. **`Vary`** of every answer, but of those at exempt paths, names the headers by which the credential and the organization
//!    were found, beside what the service says itself: a cache that heeds it never gives one organization's data to another.
//! 9. **A stream** that lives longer than its request ends when its rights end: [`Tenant::ended`].
//!
//! # Where it stands
//! - **Around the whole router**, `layer.layer(router)`, with [`serves`](TenantryLayerBuilder::serves): the fast path. What
//!   the layer refuses never reaches the routing, and a [`Choice::PathParameter`] sees the whole path. Without `serves`, the
//!   layer cannot know which paths exist, and asks for a credential at `/favicon.ico`, too.
//! - **By axum's `Router::route_layer`**, on the routes that belong to an organization: there is nothing to list, and axum
//!   answers 404 for what no route has. It costs each request some 200 ns and four allocations more, and within a `nest` the
//!   layer sees the path without its prefix. Choose it where routes come from many places, or where most of a service has
//!   nothing to do with organizations.
//! - Not by `Router::layer`: that wraps the router's own 404, too.
//!
//! # Deployment
//! - No proxy is believed unless the host says so ([`identity::TrustedProxy`], [`Choice::ForwardedSubdomain`]). A proxy must
//!   pass on `Authorization`, `Host` and `X-Organization-Id` as they came, and `Vary` on the way back.
//! - For pages of another origin, tower-http's `CorsLayer` stands outermost, around this layer: it answers preflights,
//!   which carry no credential and would be 401 here, and gives refusals the headers without which a page cannot read
//!   them. Allow the headers `Authorization`, `Content-Type`, `X-Organization-Id` and `Idempotency-Key`; expose
//!   `Retry-After`, `WWW-Authenticate`, `RateLimit` and `RateLimit-Policy`.
//! - With the feature `jwks`, the keys of issuers are fetched over HTTPS by a task of the same kind; this machine must
//!   be let out to them. See `jwt::Jwks`.
//! - `exp` and `nbf` are compared with this machine's clock: keep it right (NTP). It is not corrected for. What has ended
//!   while the machine slept is refused when it wakes; one that was paused from outside must first correct its clock.
//! - The layer listens to change notices from a task in the tokio runtime that it was built in. The task ends with the
//!   last clone of the layer.
//!
//! # What is seen of it
//! - A request's own span gets `organization.id`, `principal.kind` (`user`, `apiToken`, `platformAdmin` or `host`) and
//!   `principal.id`, if it was made with these fields. With tower-http's `TraceLayer` around this layer:
//!   `TraceLayer::new_for_http().make_span_with(|_: &Request<_>| tracing::info_span!("request", organization.id = Empty,
//!   principal.kind = Empty, principal.id = Empty))`, where `Empty` is [`tracing::field::Empty`].
//! - Each refusal is an event at the level `DEBUG` with its `code`, `status` and `detail`. None holds a secret.
//!
//! ```
//! use std::{convert::Infallible, sync::Arc};
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tenantry_core::{engine::Engine, access::registry::Registry};
//! use tenantry_embedded::EmbeddedStore;
//! use tenantry_tower::{
//!     Authenticator, JwtVerifier, TenantryLayer, Tenant,
//!     jwt::{Algorithm, Issuer, Key},
//! };
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(Arc::new(EmbeddedStore::in_memory()?), Registry::builder().build()?);
//! let key = Key::new(Algorithm::Hs256, "a secret of at least thirty-two bytes");
//! let issuer = Issuer::new("https://id.example.com/", key).audience("https://api.example.com/");
//! let verifier = JwtVerifier::builder().issuer(issuer).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(TenantryLayer::builder(engine, Authenticator::new().jwt(verifier)).build()?)
//!     .service_fn(async |request: Request<()>| {
//!         let tenant = request.extensions().get::<Tenant>();
//!         let name = tenant.map_or("nobody", |tenant| tenant.organization_name());
//!         Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name.to_owned())))
//!     });
//!
//! // Without a credential, the service is not reached.
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), 401);
//! # Ok(())
//! # }
//! ```

mod answer;
#[cfg(feature = "axum")]
mod extract;
mod generations;
pub mod identity;
mod in_flight;
#[cfg(feature = "jwt")]
pub mod jwt;
mod keyed_hash;
mod layer;
mod limits;
pub mod problem;
mod request;
mod resolve;

use std::{error::Error, sync::Arc};

#[cfg(feature = "axum")]
pub use self::extract::{Memberships, Rejection};
#[cfg(feature = "jwt")]
pub use self::jwt::{ClaimNames, JwtVerifier, JwtVerifierBuilder};
pub use self::{
    answer::tenant::{Resolved, Tenant},
    identity::{Authenticator, IdentitySource},
    layer::{
        TenantryLayer, TenantryLayerBuilder,
        body::{AnyBody, BodyKind, ResponseBody, SameBody},
        future::ResponseFuture,
        require::{Require, RequirePermission, require, require_all, require_any, require_user},
        service::TenantryService,
    },
    request::{
        choice::{Choice, HostChoice},
        head::Head,
    },
};

/// What a host has set cannot be used. What it says names the mend; what lies behind it is its
/// [`source`](std::error::Error::source).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct BuildError {
    detail: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl BuildError {
    /// `detail` names the mend.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), source: None }
    }

    /// Says what `error` says, which names the mend.
    pub fn of(error: impl Error + Send + Sync + 'static) -> Self {
        Self { detail: error.to_string(), source: Some(Arc::new(error)) }
    }
}
