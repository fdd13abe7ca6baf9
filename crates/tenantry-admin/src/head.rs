//! What the head of a request decides, before anything of its body is read.
//!
//! Whoever is refused by the head is answered at once: nobody holds a connection by promising a body, and a client that
//! asks first (`Expect: 100-continue`) is not told to send one.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use tenantry_core::{
    access::caller::Caller,
    engine::{
        idempotency::IdempotencyKey,
        operation::{Needs, Operation},
    },
    values::{
        error::{Error, ErrorKind},
        limits,
    },
};
use tenantry_tower::problem;

use crate::{Admin, body};

/// The header that makes a repetition safe.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the head of a request says.
pub(crate) struct Head {
    /// Who asks; nobody in particular where the operation needs no credential.
    pub(crate) caller: Option<Caller>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

/// Why the head is refused.
pub(crate) enum Refused {
    /// As the problem document of the error says.
    Because(Error),
    /// The body is compressed.
    Encoded,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Because(error)
    }
}

impl Refused {
    pub(crate) fn response(&self) -> Response {
        match self {
            Self::Because(error) => problem::response(error),
            Self::Encoded => {
                let detail = "send the body as it is, without Content-Encoding";
                let mut response: Response<Body> =
                    problem::response(&Error::new(ErrorKind::UnsupportedMediaType, detail));
                // RFC 9110, 12.5.3: in a 415 it tells what would be right.
                response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
                response
            }
        }
    }
}

/// Reads the head of a request for the operation `O`: the credential first, so that a stranger is told nothing else.
pub(crate) async fn read<O: Operation>(admin: &Admin, parts: &Parts) -> Result<Head, Refused> {
    let headers = &parts.headers;
    if O::NEEDS == Needs::Nobody {
        require_readable(headers)?;
        return Ok(Head { caller: None, idempotency_key: None });
    }
    let caller = admin.authenticator.authenticate(parts.into()).await?.ok_or_else(|| {
        Error::new(ErrorKind::Unauthenticated, "send an Authorization header with a JWT or an API token")
    })?;
    let idempotency_key = idempotency_key(headers)?;
    require_readable(headers)?;
    Ok(Head { caller: Some(caller), idempotency_key })
}

/// Whether the client waits to be told that it may send the body.
pub(crate) fn expects_continue(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

/// The body is JSON, not compressed, and not said to be too large.
fn require_readable(headers: &HeaderMap) -> Result<(), Refused> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if !encodings.all(|encoding| encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return Err(Refused::Encoded);
    }
    require_json(headers)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_too_large = length.is_some_and(|length| length > limits::BODY_BYTES_MAX as u64);
    if is_too_large { Err(body::too_large().into()) } else { Ok(()) }
}

/// `application/json`, or a type that is JSON below.
fn require_json(headers: &HeaderMap) -> Result<(), Error> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(Error::new(ErrorKind::UnsupportedMediaType, "send the body as JSON, with Content-Type: application/json"))
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
