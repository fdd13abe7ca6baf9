//! The service that the layer makes.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use crate::{
    future::ResponseFuture,
    problem,
    resolved::{Resolved, Tenant},
    resolver::{Resolver, Sight},
};

/// Serves requests of which it is known in which organization they are made. See [`TenancyLayer`](crate::TenancyLayer).
#[derive(Clone)]
pub struct Tenancy<S> {
    inner: S,
    resolver: Arc<Resolver>,
}

impl<S> Tenancy<S> {
    pub(crate) fn new(inner: S, resolver: Arc<Resolver>) -> Self {
        Self { inner, resolver }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Tenancy<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.resolver.look(&request) {
            Ok(Sight::Known(resolved)) => {
                mark(&mut request, resolved);
                ResponseFuture::serving(self.inner.call(request))
            }
            Ok(Sight::Unknown(query)) => {
                let answer = Box::pin(self.resolver.clone().answer(query));
                // The service that is ready is this one, not its clone.
                let clone = self.inner.clone();
                ResponseFuture::resolving(answer, request, mem::replace(&mut self.inner, clone))
            }
            Err(error) => ResponseFuture::refused(problem::response(&error)),
        }
    }
}

/// Puts into the extensions what was resolved.
pub(crate) fn mark<B>(request: &mut Request<B>, resolved: Resolved) {
    let extensions = request.extensions_mut();
    match resolved.tenant() {
        Some(tenant) => {
            extensions.insert(tenant.clone());
        }
        // A layer further out may have left one.
        None => {
            extensions.remove::<Tenant>();
        }
    }
    extensions.insert(resolved);
}

impl<S: fmt::Debug> fmt::Debug for Tenancy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenancy").field("inner", &self.inner).finish_non_exhaustive()
    }
}
