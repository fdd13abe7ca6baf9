//! The future of a response: it only carries.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    answer::{refusal::Refusal, tenant::Resolved},
    layer::vary::Vary,
    problem,
};

pin_project! {
    /// The response of the service within, or a refusal.
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, S::Future, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<S, F, ReqBody, ResBody> {
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
            response: Option<Response<ResBody>>,
        },
    }
}

struct Unresolved<S, ReqBody> {
    answer: BoxFuture<'static, Result<Resolved, Refusal>>,
    /// Taken when the answer is there.
    waiting: Option<(S, Request<ReqBody>)>,
    vary: Vary,
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn resolving(
        answer: BoxFuture<'static, Result<Resolved, Refusal>>,
        request: Request<ReqBody>,
        service: S,
        vary: Vary,
    ) -> Self {
        let unresolved = Box::new(Unresolved { answer, waiting: Some((service, request)), vary });
        Self { state: State::Resolving { unresolved } }
    }

    pub(crate) fn serving(future: S::Future, vary: impl Into<Option<Vary>>) -> Self {
        Self { state: State::Serving { future, vary: vary.into() } }
    }

    pub(crate) fn refused(response: Response<ResBody>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<ResBody>, S::Error>;

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
                            let mut response = problem::response(refused.error());
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
                    return Poll::Ready(Ok(response));
                }
                StateProject::Refused { response } => {
                    return Poll::Ready(Ok(response.take().expect("a future is not polled after it is ready")));
                }
            }
        }
    }
}
