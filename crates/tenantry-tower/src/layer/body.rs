//! The body of a response: that of the service within, or of a refusal.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response of the service within, or of a refusal.
    ///
    /// It is a body wherever that of the service is one, if its data can be made of [`Bytes`]. Hosts only meet its name.
    pub struct ResponseBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<B> {
        Inner {
            #[pin]
            body: B,
        },
        // Taken when it is read.
        Refusal {
            bytes: Option<Bytes>,
        },
    }
}

impl<B: Body<Data: From<Bytes>>> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().state.project() {
            StateProject::Inner { body } => body.poll_frame(cx),
            StateProject::Refusal { bytes } => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Inner { body } => body.is_end_stream(),
            State::Refusal { bytes } => bytes.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Inner { body } => body.size_hint(),
            State::Refusal { bytes } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }
}

/// How a service's body becomes that of the response.
pub trait BodyKind<B>: sealed::Sealed {
    /// The body of the response.
    type Body;

    /// What the service answered.
    fn inner(body: B) -> Self::Body;

    /// What a refusal says.
    fn refusal(bytes: Bytes) -> Self::Body;
}

/// Keeps the service's body as it is; a refusal is made into one. What [`TenantryLayer::layer`](crate::TenantryLayer::layer)
/// does.
#[derive(Debug)]
pub enum SameBody {}

/// Works around any body. What the layer does as a tower [`Layer`](tower_layer::Layer).
#[derive(Debug)]
pub enum AnyBody {}

impl<B: From<Bytes>> BodyKind<B> for SameBody {
    type Body = B;

    fn inner(body: B) -> B {
        body
    }

    fn refusal(bytes: Bytes) -> B {
        bytes.into()
    }
}

impl<B> BodyKind<B> for AnyBody {
    type Body = ResponseBody<B>;

    fn inner(body: B) -> ResponseBody<B> {
        ResponseBody { state: State::Inner { body } }
    }

    fn refusal(bytes: Bytes) -> ResponseBody<B> {
        ResponseBody { state: State::Refusal { bytes: Some(bytes) } }
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::SameBody {}

    impl Sealed for super::AnyBody {}
}
