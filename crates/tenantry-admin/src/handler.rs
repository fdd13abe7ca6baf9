//! How every operation is called.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use tenantry_core::{
    engine::operation::{self, Operation},
    values::error::Error,
};
use tenantry_tower::problem;

use crate::{
    Admin, body,
    head::{self, Head},
    json_response,
};

/// Reads a credential, an idempotency key and a body; has the operation carried out; writes down the answer.
pub(crate) async fn handle<O: Operation>(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let clock = admin.engine.clock();
    let head = match head::read::<O>(&admin, &parts).await {
        Ok(head) => head,
        Err(refused) => {
            if !head::expects_continue(&parts.headers) {
                body::drain(body, clock);
            }
            return refused.response();
        }
    };
    let answer = match body::collect(body, clock).await {
        Ok(body) => answer::<O>(&admin, head, &body).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => json_response(answer),
        Err(error) => problem::response(&error),
    }
}

async fn answer<O: Operation>(admin: &Admin, head: Head, body: &[u8]) -> Result<Vec<u8>, Error> {
    let operation: O = body::parse(body)?;
    let Head { caller, idempotency_key } = head;
    let output = match caller {
        None => admin.engine.run_open(&operation).await?,
        Some(caller) => {
            let request = operation::Request::new(caller).idempotency_key(idempotency_key);
            admin.engine.run(&request, &operation).await?
        }
    };
    serde_json::to_vec(&output).map_err(Error::internal)
}
