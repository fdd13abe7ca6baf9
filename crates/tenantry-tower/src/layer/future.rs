//! The future of a response: it only carries.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    answer::{refusal::Refusal, refusal_form::RefusalForm, tenant::Resolved},
    layer::{body::BodyKind, vary::Vary},
    request::head::Head,
};

pin_project! {
    /// The response of the service within, or a refusal.
    pub struct ResponseFuture<S, ReqBody, K>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, S::Future, ReqBody>,
        kind: PhantomData<fn() -> K>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<S, F, ReqBody> {
        // In a box: nearly every future is of a known answer, and would carry the room for a request along.
        Resolving {
            unresolved: Box<Unresolved<S, ReqBody>>,
        },
        Serving {
            #[pin]
            future: F,
            // Taken when the response is there; none where it was not decided by headers.
            vary: Option<Vary>,
        },
        Refused {
            response: Option<Response<Bytes>>,
        },
    }
}

struct Unresolved<S, ReqBody> {
    answer: BoxFuture<'static, Result<Resolved, Refusal>>,
    /// Taken when the answer is there.
    waiting: Option<(S, Request<ReqBody>)>,
    refusal_form: RefusalForm,
    vary: Vary,
}

impl<S, ReqBody, K> ResponseFuture<S, ReqBody, K>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn resolving(
        answer: BoxFuture<'static, Result<Resolved, Refusal>>,
        request: Request<ReqBody>,
        service: S,
        refusal_form: RefusalForm,
        vary: Vary,
    ) -> Self {
        let unresolved = Box::new(Unresolved { answer, waiting: Some((service, request)), refusal_form, vary });
        Self::of(State::Resolving { unresolved })
    }

    pub(crate) fn serving(future: S::Future, vary: impl Into<Option<Vary>>) -> Self {
        Self::of(State::Serving { future, vary: vary.into() })
    }

    pub(crate) fn refused(response: Response<Bytes>) -> Self {
        Self::of(State::Refused { response: Some(response) })
    }

    fn of(state: State<S, S::Future, ReqBody>) -> Self {
        Self { state, kind: PhantomData }
    }
}

impl<S, ReqBody, ResBody, K> Future for ResponseFuture<S, ReqBody, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    K: BodyKind<ResBody>,
{
    type Output = Result<Response<K::Body>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProject::Resolving { unresolved } => {
                    let answer = ready!(unresolved.answer.as_mut().poll(cx));
                    let (mut service, mut request) =
                        unresolved.waiting.take().expect("it is taken once, since the state is replaced at once");
                    let vary = unresolved.vary.clone();
                    let next = match answer {
                        Ok(resolved) => {
                            resolved.mark(request.extensions_mut());
                            State::Serving { future: service.call(request), vary: Some(vary) }
                        }
                        Err(refused) => {
                            let mut response = unresolved.refusal_form.response(refused.error(), Head::of(&request));
                            vary.add(response.headers_mut());
                            State::Refused { response: Some(response) }
                        }
                    };
                    state.set(next);
                }
                StateProject::Serving { future, vary } => {
                    let mut response = ready!(future.poll(cx))?;
                    if let Some(vary) = vary.take() {
                        vary.add(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response.map(K::inner)));
                }
                StateProject::Refused { response } => {
                    let response = response.take().expect("a future is not polled after it is ready");
                    return Poll::Ready(Ok(response.map(K::refusal)));
                }
            }
        }
    }
}
