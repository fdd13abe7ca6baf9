//! What a route needs of its caller, written where the route is.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tenantry_core::{
    access::registry::Registry,
    values::error::{Error, ErrorKind},
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    BuildError, Tenant,
    answer::tenant::Resolved,
    layer::{
        body::{AnyBody, ResponseBody},
        future::ResponseFuture,
    },
    request::head::Head,
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
    require_all([permission])
}

/// As [`require`], lets only callers through who hold all of `permissions`.
#[must_use]
pub fn require_all<P: AsRef<str>>(permissions: impl IntoIterator<Item = P>) -> RequirePermission {
    RequirePermission(Needed::All(owned(permissions)))
}

/// As [`require`], lets only callers through who hold at least one of `permissions`.
#[must_use]
pub fn require_any<P: AsRef<str>>(permissions: impl IntoIterator<Item = P>) -> RequirePermission {
    RequirePermission(Needed::Any(owned(permissions)))
}

/// Lets only people through, whatever they may do in their organization: no API token, and nothing of the host's own.
#[must_use]
pub fn require_user() -> RequirePermission {
    RequirePermission(Needed::User)
}

fn owned<P: AsRef<str>>(permissions: impl IntoIterator<Item = P>) -> Arc<[String]> {
    permissions.into_iter().map(|permission| permission.as_ref().to_owned()).collect()
}

/// The layer that [`require`] and its like make.
#[derive(Debug, Clone)]
pub struct RequirePermission(Needed);

#[derive(Debug, Clone)]
enum Needed {
    All(Arc<[String]>),
    Any(Arc<[String]>),
    User,
}

impl RequirePermission {
    /// The same, once it is sure that every permission is registered: a name that is misspelt is found when the service
    /// starts, rather than by a 500 at the first request.
    ///
    /// # Errors
    /// If one is not registered, with its name.
    pub fn checked(self, registry: &Registry) -> Result<Self, BuildError> {
        match self.0.unregistered(registry) {
            Some(permission) => Err(BuildError::new(unregistered(permission))),
            None => Ok(self),
        }
    }
}

impl Needed {
    fn permissions(&self) -> &[String] {
        match self {
            Self::All(permissions) | Self::Any(permissions) => permissions,
            Self::User => &[],
        }
    }

    fn unregistered(&self, registry: &Registry) -> Option<&String> {
        self.permissions().iter().find(|permission| registry.index(permission).is_none())
    }

    /// Refuses a caller who is not what the route needs.
    fn require(&self, tenant: &Tenant) -> Result<(), Error> {
        if let Some(permission) = self.unregistered(tenant.registry()) {
            return Err(Error::internal(unregistered(permission)));
        }
        match self {
            Self::All(permissions) => match permissions.iter().find(|permission| !tenant.has(permission)) {
                Some(permission) => Err(Error::lacks(permission)),
                None => Ok(()),
            },
            Self::Any(permissions) if permissions.iter().any(|permission| tenant.has(permission)) => Ok(()),
            Self::Any(permissions) => {
                let detail = format!("this needs one of the permissions {}", permissions.join(", "));
                Err(Error::new(ErrorKind::Forbidden, detail))
            }
            Self::User => tenant.caller().user().map(drop),
        }
    }
}

fn unregistered(permission: &str) -> String {
    format!("the permission {permission:?} is not registered: add permission({permission:?})")
}

impl<S> Layer<S> for RequirePermission {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, needed: self.0.clone() }
    }
}

/// Serves requests of callers who are what the route needs. See [`require`].
#[derive(Clone)]
pub struct Require<S> {
    inner: S,
    needed: Needed,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, AnyBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let tenant = Resolved::of(request.extensions()).and_then(Resolved::require_tenant);
        match tenant.and_then(|tenant| self.needed.require(&tenant)) {
            Ok(()) => ResponseFuture::serving(self.inner.call(request), None),
            Err(error) => ResponseFuture::refused(Resolved::refuse(&error, Head::of(&request))),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Require<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").field("inner", &self.inner).field("needed", &self.needed).finish()
    }
}
