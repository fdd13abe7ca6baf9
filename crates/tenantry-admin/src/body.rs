//! Reads a request's body: JSON, within bounds, with every fault named by its field.

use std::{pin::pin, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{self, Either};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tenantry_core::{
    clock::Clock,
    error::{Error, ErrorKind},
    limits,
};
use tokio::runtime::Handle;

/// The whole body, if it is not too large and arrives in time.
pub(crate) async fn collect(mut body: Body, clock: &Arc<dyn Clock>) -> Result<Bytes, Error> {
    let result = {
        let collecting = pin!(Limited::new(&mut body, limits::BODY_BYTES_MAX).collect());
        match future::select(collecting, clock.sleep(limits::BODY_TIMEOUT)).await {
            Either::Left((collected, _)) => collected.map(Collected::to_bytes),
            Either::Right(_) => {
                let seconds = limits::BODY_TIMEOUT.as_secs();
                let detail = format!("the body did not arrive within {seconds} seconds: send it again");
                return Err(Error::new(ErrorKind::RequestTimeout, detail));
            }
        }
    };
    result.map_err(|error| {
        if error.is::<LengthLimitError>() {
            drain(body, clock);
            return too_large();
        }
        Error::new(ErrorKind::InvalidRequest, "the body did not arrive whole: send it again")
    })
}

pub(crate) fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, format!("the body is larger than {} bytes", limits::BODY_BYTES_MAX))
}

/// Reads on in a task of its own, for a while, and keeps nothing: whoever is refused in the midst of writing gets to see
/// the answer. A connection that is closed meanwhile would take it with it.
pub(crate) fn drain(body: Body, clock: &Arc<dyn Clock>) {
    let Ok(runtime) = Handle::try_current() else { return };
    let end = clock.sleep(limits::BODY_DRAINED_TIMEOUT);
    runtime.spawn(async move {
        let mut body = Limited::new(body, limits::BODY_DRAINED_BYTES_MAX);
        let draining = pin!(async { while let Some(Ok(_)) = body.frame().await {} });
        future::select(draining, end).await;
    });
}

/// The body as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        fault(&path, error.inner())
    })?;
    json.end().map_err(|error| fault(".", &error))?;
    Ok(parsed)
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

    #[test]
    fn a_fault_names_its_field() {
        let fault_of = |text: &str| {
            let error = parse::<organizations::Create>(text.as_bytes()).unwrap_err();
            error.fields().first().map(|fault| (fault.field.clone(), fault.code.to_string()))
        };
        let fault = |field: &str, code: &str| Some((field.to_owned(), code.to_owned()));
        assert_eq!(fault_of("{}"), fault("name", "required"));
        assert_eq!(fault_of(r#"{"name":"a","color":"red"}"#), fault("color", "unknown_field"));
        assert_eq!(fault_of(r#"{"name":7}"#), fault("name", "invalid"));
        assert_eq!(fault_of("[]"), fault("body", "invalid"));
        assert_eq!(fault_of("{"), None);
        assert_eq!(fault_of(r#"{"name":"a"} x"#), None);
        let error = parse::<organizations::Search>(br#"{"filter":{"createdAt":{"like":"x"}}}"#).unwrap_err();
        assert_eq!((&*error.fields()[0].field, &*error.fields()[0].code), ("filter.createdAt.like", "unknown_field"));
        let error = parse::<organizations::Search>(br#"{"order":[{"field":"name"},{}]}"#).unwrap_err();
        assert_eq!((&*error.fields()[0].field, &*error.fields()[0].code), ("order[1].field", "required"));
        let error = parse::<members::Remove>(br#"{"organizationId":"x","userId":"u"}"#).unwrap_err();
        assert_eq!(error.fields()[0].field, "organizationId");
    }
}
