//! The service that the layer makes.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use crate::{
    answer::refusal::Refusal,
    layer::{
        body::{BodyKind, SameBody},
        future::ResponseFuture,
        mode::Mode,
    },
    request::head::Head,
    resolve::{Lookup, Resolver},
};

/// Serves requests of which it is known in which organization they are made. See [`TenantryLayer`](crate::TenantryLayer).
///
/// `K` says how its responses' bodies relate to those of the service within: the [same](SameBody), or
/// [any](crate::AnyBody).
pub struct TenantryService<S, K = SameBody> {
    inner: S,
    resolver: Arc<Resolver>,
    mode: Mode,
    kind: PhantomData<fn() -> K>,
}

impl<S, K> TenantryService<S, K> {
    pub(crate) fn new(inner: S, resolver: Arc<Resolver>, mode: Mode) -> Self {
        Self { inner, resolver, mode, kind: PhantomData }
    }
}

impl<S: Clone, K> Clone for TenantryService<S, K> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.resolver.clone(), self.mode)
    }
}

impl<S, ReqBody, ResBody, K> Service<Request<ReqBody>> for TenantryService<S, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    K: BodyKind<ResBody>,
{
    type Response = Response<K::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let vary = self.resolver.vary.clone();
        let refused = match self.resolver.look(&request, self.mode) {
            Ok(Lookup::Known(resolved)) => {
                resolved.mark(request.extensions_mut());
                return ResponseFuture::serving(self.inner.call(request), vary);
            }
            Ok(Lookup::Exempt) => return ResponseFuture::serving(self.inner.call(request), None),
            Ok(Lookup::Refused(refused)) => refused,
            Ok(Lookup::Unknown(query)) => {
                let answer = Box::pin(self.resolver.clone().answer(query, self.mode));
                // The service that is ready is this one, not its clone.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                return ResponseFuture::resolving(
                    answer,
                    request,
                    inner,
                    self.resolver.context.refusal_form.clone(),
                    vary,
                );
            }
            Err(error) => Refusal::of_the_request(error),
        };
        let mut response = self.resolver.context.refusal_form.response(refused.error(), Head::of(&request));
        vary.add(response.headers_mut());
        ResponseFuture::refused(response)
    }
}

impl<S: fmt::Debug, K> fmt::Debug for TenantryService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
