//! Refusals as `application/problem+json` (RFC 9457).
//!
//! 1. `type` is `urn:tenantry:problem:<code>`, and `code` is the stable machine word by itself.
//! 2. A 401, and a 403 for want of a permission, carries the `WWW-Authenticate` of RFC 6750; what can be tried again later carries `Retry-After`; a 429
//!    names the limit in `RateLimit-Policy` and what is left of it in `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
//! 3. What lies behind an error is logged and never sent. A 500 carries a `correlationId`, which the log names too.

use std::{
    error::Error as StdError,
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use tenantry_core::{
    store::{CommitError, Unavailable},
    values::{
        entropy::{Entropy, SystemEntropy},
        error::{Error, ErrorKind, FieldError, Quota},
    },
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The body of a refusal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
}

/// The answer that tells the caller of `error`, and the log what the caller must not see.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use tenantry_core::values::error::Error;
/// use tenantry_tower::problem;
///
/// let response: http::Response<Full<Bytes>> = problem::response(&Error::not_found("organization"));
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[must_use]
pub fn response<B: From<Bytes>>(error: &Error) -> Response<B> {
    let kind = error.kind();
    let correlation_id = (kind == ErrorKind::Internal).then(correlation_id);
    log(error, correlation_id.as_deref());
    let problem = Problem {
        r#type: format!("urn:tenantry:problem:{}", kind.code()),
        title: kind.title(),
        status: kind.status(),
        detail: error.to_string(),
        code: kind.code(),
        errors: error.fields(),
        correlation_id: correlation_id.as_deref(),
    };
    // Texts and a number always serialize; an empty body would still carry the status.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(B::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(retry_after) = error.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
    }
    if let (Some(quota), Some(retry_after)) = (error.quota(), error.retry_after()) {
        let Quota { name, count, window, .. } = quota;
        let policy = format!("\"{name}\";q={count};w={}", whole_seconds(*window));
        let left = format!("\"{name}\";r=0;t={}", whole_seconds(retry_after));
        for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(header, value);
            }
        }
    }
    if let Some(challenge) = challenge(error).and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The challenge of a 401, and of a 403 for want of a permission, which it names as the scope that is needed. Without a
/// credential it names no error, as RFC 6750 wants it.
fn challenge(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Unauthenticated => Some(r#"Bearer realm="tenantry""#.to_owned()),
        ErrorKind::InvalidToken | ErrorKind::ExpiredToken => {
            let description = quotable(&error.to_string());
            Some(format!(r#"Bearer realm="tenantry", error="invalid_token", error_description="{description}""#))
        }
        _ => {
            let scope = quotable(error.permission()?);
            Some(format!(r#"Bearer realm="tenantry", error="insufficient_scope", scope="{scope}""#))
        }
    }
}

/// `text` within the characters that RFC 6750 allows in a quoted value: printable ASCII without `"` and `\`.
fn quotable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '"' | '\\' => '\'',
            ' '..='~' => character,
            _ => '?',
        })
        .collect()
}

/// `Retry-After` counts whole seconds: rounded up, so that nobody comes back too early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

pub(crate) fn log(error: &Error, correlation_id: Option<&str>) {
    match error.kind() {
        ErrorKind::Internal => {
            let correlation_id = correlation_id.unwrap_or_default();
            tracing::error!(correlation_id, detail = %error, cause = causes(error), "internal error");
        }
        // Without a cause, it was logged where it arose; and the engine logs when an outage of its store begins and ends,
        // rather than each of the thousands of requests that it fails.
        ErrorKind::Unavailable if error.source().is_some_and(|cause| !is_of_the_store(cause)) => {
            tracing::warn!(cause = causes(error), "something that a request needs is unavailable");
        }
        _ => {}
    }
}

fn is_of_the_store(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<Unavailable>() || cause.is::<CommitError>()
}

/// What led to `error`, the nearest first.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let mut causes = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let separator = if causes.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let _ = write!(causes, "{separator}{cause}");
        source = cause.source();
    }
    causes
}

/// By what a report of a 500 finds its line in the log. It need not be secret, only different each time.
fn correlation_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 16];
    if SystemEntropy.fill(&mut random).is_err() {
        random[8..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
    format!("{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(error: &Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = response::<Bytes>(error).into_parts();
        (parts, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_challenge_holds_only_what_its_grammar_allows() {
        let (parts, body) = parts(&Error::new(ErrorKind::InvalidToken, "a \"b\" \\ é\n"));
        let challenge = parts.headers[WWW_AUTHENTICATE].to_str().unwrap();
        assert_eq!(challenge, r#"Bearer realm="tenantry", error="invalid_token", error_description="a 'b' ' ??""#);
        assert_eq!(body["detail"], "a \"b\" \\ é\n");
        assert_eq!(body["type"], "urn:tenantry:problem:invalid_token");
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let seconds = |millis| whole_seconds(Duration::from_millis(millis));
        assert_eq!([0, 1, 1000, 1001].map(seconds), [1, 1, 1, 2]);
    }

    #[test]
    fn an_internal_error_shows_an_id_and_not_its_cause() {
        let (_, first) = parts(&Error::internal("the secret cause"));
        let (_, second) = parts(&Error::internal("the secret cause"));
        assert!(!first.to_string().contains("secret cause"));
        assert_eq!(first["correlationId"].as_str().unwrap().len(), 32);
        assert_ne!(first["correlationId"], second["correlationId"]);
    }

    #[test]
    fn a_limit_is_named_with_what_is_left_of_it() {
        let quota = Quota::new("join-codes", 10, Duration::from_secs(60));
        let (parts, _) = parts(&Error::rate_limited("too many", quota, Duration::from_millis(36_500)));
        assert_eq!(parts.status, 429);
        assert_eq!(parts.headers["ratelimit-policy"], r#""join-codes";q=10;w=60"#);
        assert_eq!(parts.headers["ratelimit"], r#""join-codes";r=0;t=37"#);
        assert_eq!(parts.headers[RETRY_AFTER], "37");
    }

    #[test]
    fn fields_are_listed() {
        let (parts, body) = parts(&Error::invalid_field("X-Organization-Id", "invalid", "an id"));
        assert_eq!(parts.status, 400);
        assert_eq!(body["errors"][0]["field"], "X-Organization-Id");
        assert!(!parts.headers.contains_key(WWW_AUTHENTICATE));
        assert!(!parts.headers.contains_key(RETRY_AFTER));
    }
}
