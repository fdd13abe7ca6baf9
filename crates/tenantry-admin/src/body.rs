//! Reads a request's body: JSON, within bounds, with every fault named by its field.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tenantry_core::{
    error::{Error, ErrorKind},
    limits,
};

/// How much of a body that is too large is still read, so that the client gets to see the refusal.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// The whole body, if it is not too large.
pub(crate) async fn collect(mut body: Body) -> Result<Bytes, Error> {
    match Limited::new(&mut body, limits::BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            // A connection that is closed while the client still writes takes the answer with it.
            let _ = Limited::new(body, DRAIN_BYTES_MAX).collect().await;
            let detail = format!("the body is larger than {} bytes", limits::BODY_BYTES_MAX);
            Err(Error::new(ErrorKind::TooLarge, detail))
        }
        Err(_) => Err(Error::new(ErrorKind::InvalidRequest, "the body did not arrive whole: send it again")),
    }
}

/// The body as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Error> {
    require_json(headers)?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        fault(&path, error.inner())
    })?;
    json.end().map_err(|error| fault(".", &error))?;
    Ok(parsed)
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

/// serde's words for what is wrong, without the place in the text, and the field that it is about.
fn fault(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let detail = text.split(" at line ").next().unwrap_or_default();
    if error.is_syntax() || error.is_eof() {
        return Error::new(ErrorKind::InvalidRequest, format!("the body is not JSON: {text}"));
    }
    let named = |prefix: &str| detail.strip_prefix(prefix)?.split('`').next().map(str::to_owned);
    let (field, code) = if let Some(field) = named("missing field `") {
        (if path == "." { field } else { format!("{path}.{field}") }, "required")
    } else if named("unknown field `").is_some() {
        (path.to_owned(), "unknown_field")
    } else {
        (if path == "." { "body".to_owned() } else { path.to_owned() }, "invalid")
    };
    // What the caller sent may be quoted in the detail: it is theirs, and bounded here.
    Error::invalid_field(bounded(&field), code, bounded(detail))
}

fn bounded(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use tenantry_core::operations::{members, organizations};

    use super::*;

    fn json_headers() -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"))])
    }

    #[test]
    fn a_fault_names_its_field() {
        let fault_of = |text: &str| {
            let error = parse::<organizations::Create>(&json_headers(), text.as_bytes()).unwrap_err();
            error.fields().first().map(|fault| (fault.field.clone(), fault.code.to_string()))
        };
        let fault = |field: &str, code: &str| Some((field.to_owned(), code.to_owned()));
        assert_eq!(fault_of("{}"), fault("name", "required"));
        assert_eq!(fault_of(r#"{"name":"a","color":"red"}"#), fault("color", "unknown_field"));
        assert_eq!(fault_of(r#"{"name":7}"#), fault("name", "invalid"));
        assert_eq!(fault_of("[]"), fault("body", "invalid"));
        assert_eq!(fault_of("{"), None);
        assert_eq!(fault_of(r#"{"name":"a"} x"#), None);
        let error =
            parse::<organizations::Search>(&json_headers(), br#"{"filter":{"createdAt":{"like":"x"}}}"#).unwrap_err();
        assert_eq!((&*error.fields()[0].field, &*error.fields()[0].code), ("filter.createdAt.like", "unknown_field"));
        let error = parse::<organizations::Search>(&json_headers(), br#"{"order":[{"field":"name"},{}]}"#).unwrap_err();
        assert_eq!((&*error.fields()[0].field, &*error.fields()[0].code), ("order[1].field", "required"));
        let error = parse::<members::Remove>(&json_headers(), br#"{"organizationId":"x","userId":"u"}"#).unwrap_err();
        assert_eq!(error.fields()[0].field, "organizationId");
    }
}
