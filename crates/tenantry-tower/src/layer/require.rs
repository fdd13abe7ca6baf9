//! The permission that a route needs, written where the route is.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use tenantry_core::values::error::Error;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    answer::tenant::Resolved,
    identity::Head,
    layer::{
        body::{AnyBody, BodyKind},
        future::ResponseFuture,
    },
};

/// Lets only callers through who hold `permission` in their organization.
///
/// It asks what [`TenantryLayer`](crate::TenantryLayer), further out, has put into the request's extensions. For axum's
/// `route_layer`, or any tower service. A permission that is not registered is held by nobody: such a route answers
/// 500, and the log names the mend.
///
/// ```
/// use axum::{Router, routing::get};
/// use tenantry_core::access::permission::Permission;
/// use tenantry_tower::require;
///
/// const NOTES_READ: Permission = Permission::new("notes:read");
///
/// let app: Router = Router::new().route("/notes", get(async || "notes")).route_layer(require(NOTES_READ));
/// ```
#[must_use]
pub fn require(permission: impl AsRef<str>) -> RequirePermission {
    RequirePermission { permission: permission.as_ref().into() }
}

/// The layer that [`require`] makes.
#[derive(Debug, Clone)]
pub struct RequirePermission {
    permission: Arc<str>,
}

impl<S> Layer<S> for RequirePermission {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, permission: self.permission.clone() }
    }
}

/// Serves requests of callers who hold a permission. See [`require`].
#[derive(Clone)]
pub struct Require<S> {
    inner: S,
    permission: Arc<str>,
}

/// Whether the caller holds `permission`.
fn decide(extensions: &Extensions, permission: &str) -> Result<(), Error> {
    let tenant = Resolved::of(extensions)?.require_tenant()?;
    if tenant.registry().index(permission).is_none() {
        let cause = format!("the permission {permission:?} is not registered: add permission({permission:?})");
        return Err(Error::internal(cause));
    }
    if tenant.has(permission) { Ok(()) } else { Err(Error::lacks(permission)) }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    AnyBody: BodyKind<ResBody>,
{
    type Response = Response<<AnyBody as BodyKind<ResBody>>::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, AnyBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match decide(request.extensions(), &self.permission) {
            Ok(()) => ResponseFuture::serving(self.inner.call(request), None),
            Err(error) => ResponseFuture::refused(Resolved::refuse(&error, Head::of(&request))),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Require<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").field("inner", &self.inner).field("permission", &self.permission).finish()
    }
}
