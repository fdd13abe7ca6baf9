//! Whether the process lives, and whether it can work.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use tenantry_core::values::error::Error;
use tenantry_tower::problem;

use crate::{Admin, json_response};

const OK: &str = r#"{"status":"ok"}"#;

/// The process answers, and a restart of it would mend nothing.
pub(crate) async fn alive(State(admin): State<Arc<Admin>>) -> Response {
    match admin.engine.needs_restart() {
        None => json_response(OK),
        Some(error) => problem::response(&Error::from(error.clone())),
    }
}

/// The store answers.
pub(crate) async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match admin.engine.store().ping().await {
        Ok(()) => json_response(OK),
        Err(error) => problem::response(&Error::from(error)),
    }
}
