//! The admin router: every operation as `POST /v1/organizations/…`, and the OpenAPI document that describes them.
//!
//! 1. The host mounts it where it likes: `Router::new().nest("/tenantry", admin::router(engine, authenticator))`. It
//!    authenticates by itself and does not need the layer around it.
//! 2. It decides nothing. A handler reads a credential, an idempotency key and then a body, hands them to the
//!    [`Engine`], and writes down the answer. What the head decides is answered before the body has come, which must
//!    arrive within [`limits::BODY_TIMEOUT`](tenantry_core::values::limits::BODY_TIMEOUT).
//! 3. Everything that is refused is refused with a problem document (RFC 9457).
//! 4. `GET /openapi.json` describes all of it; `GET /healthz` answers well until the store has said that only a restart of
//!    the process mends it, `GET /readyz` while the store can be used.

mod body;
mod handler;
mod head;
mod health;
#[cfg(feature = "openapi")]
mod openapi;
mod routes;

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use http::header;
use tenantry_core::{
    engine::Engine,
    values::error::{Error, ErrorKind},
};
use tenantry_tower::{Authenticator, problem};

#[cfg(feature = "openapi")]
pub use self::openapi::openapi;

/// Made from the types of the operations.
const OPENAPI: &[u8] = include_bytes!("../openapi.json");

/// What the handlers share.
#[derive(Debug, Clone)]
struct Admin {
    engine: Engine,
    authenticator: Authenticator,
}

/// The admin router over `engine`, for callers whom `authenticator` knows.
pub fn router(engine: Engine, authenticator: Authenticator) -> Router {
    let admin = Arc::new(Admin { engine, authenticator });
    routes::router()
        .route("/openapi.json", readable(get(async || json_response(Bytes::from_static(OPENAPI)))))
        .route("/healthz", readable(get(health::alive)))
        .route("/readyz", readable(get(health::ready)))
        .method_not_allowed_fallback(async || refusal(ErrorKind::MethodNotAllowed, "operations are called with POST"))
        .fallback(async || refusal(ErrorKind::NotFound, "there is no such route: see openapi.json"))
        .with_state(admin)
}

/// What is read, and nothing else.
fn readable(route: MethodRouter<Arc<Admin>>) -> MethodRouter<Arc<Admin>> {
    route.fallback(async || refusal(ErrorKind::MethodNotAllowed, "this is read, with GET"))
}

fn refusal(kind: ErrorKind, detail: &'static str) -> Response {
    problem::response(&Error::new(kind, detail))
}

/// A JSON answer that nobody on the way may keep: it can hold a secret.
fn json_response(body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
