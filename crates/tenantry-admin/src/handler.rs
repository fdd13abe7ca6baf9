//! How every operation is called.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::HeaderMap;
use tenantry_core::{
    error::{Error, ErrorKind},
    idempotency::IdempotencyKey,
    operation::{self, Needs, Operation},
};
use tenantry_tower::problem;

use crate::{Admin, body, json_response};

/// The header that makes a repetition safe.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Reads a credential, an idempotency key and a body; has the operation carried out; writes down the answer.
pub(crate) async fn handle<O: Operation>(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    match answer::<O>(&admin, request).await {
        Ok(answer) => json_response(answer),
        Err(error) => problem::response(&error),
    }
}

async fn answer<O: Operation>(admin: &Admin, request: Request) -> Result<Vec<u8>, Error> {
    let (parts, body) = request.into_parts();
    // Whoever is refused is answered after their body was read: an unread one would cost them the connection.
    let body = body::collect(body).await;
    if O::NEEDS == Needs::Nobody {
        let operation: O = body::parse(&parts.headers, &body?)?;
        let output = admin.engine.run_open(&operation).await?;
        return serde_json::to_vec(&output).map_err(Error::internal);
    }
    let caller = admin.authenticator.authenticate(&parts.headers).await?.ok_or_else(|| {
        Error::new(ErrorKind::Unauthenticated, "send an Authorization header with a JWT or an API token")
    })?;
    let key = idempotency_key(&parts.headers)?;
    let operation: O = body::parse(&parts.headers, &body?)?;
    let request = operation::Request::new(caller).idempotency_key(key);
    let output = admin.engine.run(&request, &operation).await?;
    serde_json::to_vec(&output).map_err(Error::internal)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let invalid = |detail: String| Error::invalid_field("Idempotency-Key", "invalid", detail);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let key = IdempotencyKey::new(value.to_str().unwrap_or_default());
            key.map(Some).map_err(|error| invalid(error.to_string()))
        }
        (Some(_), Some(_)) => Err(invalid("send the header once".to_owned())),
    }
}
