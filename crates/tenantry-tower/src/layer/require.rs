//! The permission that a route needs, written where the route is.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use tenantry_core::values::error::Error;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Resolved, layer::future::ResponseFuture, problem};

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

/// How a request stands to a permission.
enum Verdict {
    Held,
    Lacking,
    Refused(Error),
}

fn decide(extensions: &Extensions, permission: &str) -> Verdict {
    let tenant = match Resolved::of(extensions).and_then(Resolved::require_tenant) {
        Ok(tenant) => tenant,
        Err(error) => return Verdict::Refused(error),
    };
    if tenant.registry().index(permission).is_none() {
        let cause = format!("the permission {permission:?} is not registered: add permission({permission:?})");
        return Verdict::Refused(Error::internal(cause));
    }
    if tenant.has(permission) { Verdict::Held } else { Verdict::Lacking }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match decide(request.extensions(), &self.permission) {
            Verdict::Held => ResponseFuture::serving(self.inner.call(request), None),
            Verdict::Lacking => ResponseFuture::refused(problem::lacking(&self.permission)),
            Verdict::Refused(error) => ResponseFuture::refused(problem::response(&error)),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Require<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").field("inner", &self.inner).field("permission", &self.permission).finish()
    }
}
