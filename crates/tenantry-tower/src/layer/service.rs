//! The service that the layer makes.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use tenantry_core::values::error::Error;
use tower_service::Service;

use crate::{
    layer::{future::ResponseFuture, vary::Vary},
    problem,
    resolve::{Lookup, Resolver},
};

/// Serves requests of which it is known in which organization they are made. See [`TenantryLayer`](crate::TenantryLayer).
#[derive(Clone)]
pub struct TenantryService<S> {
    inner: S,
    resolver: Arc<Resolver>,
    is_required: bool,
}

impl<S> TenantryService<S> {
    pub(crate) fn new(inner: S, resolver: Arc<Resolver>, is_required: bool) -> Self {
        Self { inner, resolver, is_required }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for TenantryService<S>
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
        let vary = self.resolver.vary.clone();
        let refuse = |vary: Vary, error: &Error| {
            let mut response = problem::response(error);
            vary.add(response.headers_mut());
            ResponseFuture::refused(response)
        };
        match self.resolver.look(&request, self.is_required) {
            Ok(Lookup::Known(resolved)) => {
                resolved.mark(request.extensions_mut());
                ResponseFuture::serving(self.inner.call(request), vary)
            }
            Ok(Lookup::Exempt) => ResponseFuture::serving(self.inner.call(request), None),
            Ok(Lookup::Refused(refused)) => refuse(vary, refused.error()),
            Ok(Lookup::Unknown(query)) => {
                let answer = Box::pin(self.resolver.clone().answer(query, self.is_required));
                // The service that is ready is this one, not its clone.
                let clone = self.inner.clone();
                ResponseFuture::resolving(answer, request, mem::replace(&mut self.inner, clone), vary)
            }
            Err(error) => refuse(vary, &error),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for TenantryService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
