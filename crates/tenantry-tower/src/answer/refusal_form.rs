//! The form of a refusal: the host's, or else a problem document.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Response;
use tenantry_core::values::error::Error;

use crate::{problem, request::head::Head};

type Shape = dyn Fn(&Error, Head<'_>) -> Option<Response<Bytes>> + Send + Sync;

/// Answers what is refused. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct RefusalForm(Option<Arc<Shape>>);

impl RefusalForm {
    pub(crate) fn with<F>(shape: F) -> Self
    where
        F: Fn(&Error, Head<'_>) -> Option<Response<Bytes>> + Send + Sync + 'static,
    {
        Self(Some(Arc::new(shape)))
    }

    /// The answer to the request with this head.
    pub(crate) fn response(&self, error: &Error, head: Head<'_>) -> Response<Bytes> {
        tracing::debug!(code = error.code(), status = error.kind().status(), detail = %error, "a request was refused");
        match self.0.as_ref().and_then(|shape| shape(error, head)) {
            Some(response) => {
                problem::log(error, None);
                response
            }
            None => problem::response(error),
        }
    }
}

impl fmt::Debug for RefusalForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalForm").field("is_the_hosts", &self.0.is_some()).finish()
    }
}
