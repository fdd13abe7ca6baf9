//! Reads a request's body: JSON, within bounds, with every fault named by its field.
//!
//! 1. What is read is what was sent: a key that stands twice, a number that cannot be kept exactly and what is nested
//!    too deeply are refused, wherever they stand.
//! 2. Only an object is an object: serde would take a list for one, by the places of its fields.
//! 3. A refusal names the field by its path, and says in plain words what to give. It names no type of this program.

mod exact;
mod fault;
mod shape;

use std::{pin::pin, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{self, Either};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tenantry_core::values::{
    clock::Clock,
    error::{Error, ErrorKind},
    limits,
};
use tokio::runtime::Handle;

use self::shape::Shaped;

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
    let value = exact::read(body)?;
    serde_path_to_error::deserialize(Shaped(value)).map_err(|error| {
        let path = error.path().to_string();
        error.into_inner().at(if path == "." { "" } else { &path })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenantry_core::operations::{invitations, join_codes, members, organizations, tokens};

    use super::*;

    fn fault_of<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> (String, String, String) {
        let error = parse::<T>(text.as_bytes()).unwrap_err();
        let field = error.fields().first().map(|fault| (fault.field.clone(), fault.code.to_string()));
        let (field, code) = field.unwrap_or_default();
        (field, code, error.to_string())
    }

    #[test]
    fn a_fault_names_its_field() {
        let of = |text: &str| {
            let (field, code, _) = fault_of::<organizations::Create>(text);
            (field, code)
        };
        let fault = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(of("{}"), fault("name", "required"));
        assert_eq!(of(r#"{"name":"a","color":"red"}"#), fault("color", "unknown_field"));
        assert_eq!(of(r#"{"name":7}"#), fault("name", "invalid"));
        assert_eq!(of("{"), fault("", ""));
        assert_eq!(of(r#"{"name":"a"} x"#), fault("", ""));
        let of = |text: &str| {
            let (field, code, _) = fault_of::<organizations::Search>(text);
            (field, code)
        };
        assert_eq!(of(r#"{"filter":{"createdAt":{"like":"x"}}}"#), fault("filter.createdAt.like", "unknown_field"));
        assert_eq!(of(r#"{"order":[{"field":"name"},{}]}"#), fault("order[1].field", "required"));
    }

    #[test]
    fn only_an_object_is_an_object() {
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        for text in [format!(r#"["{id}"]"#), "null".to_owned(), r#""x""#.to_owned(), "7".to_owned(), "true".to_owned()]
        {
            let (field, code, detail) = fault_of::<organizations::Delete>(&text);
            assert_eq!((&*field, &*code, &*detail), ("body", "invalid", "body: give a JSON object"), "{text}");
        }
        let nulls = ["null"; 12].join(",");
        assert_eq!(fault_of::<organizations::Create>(&format!(r#"["X",{nulls}]"#)).0, "body");
        let batch = format!(r#"{{"organizationId":"{id}","invitations":[["ann@example.com",null]]}}"#);
        assert_eq!(fault_of::<invitations::CreateBatch>(&batch).0, "invitations[0]");
        let (field, _, detail) = fault_of::<organizations::Search>(r#"{"order":[["name","asc"]]}"#);
        assert_eq!((&*field, &*detail), ("order[0]", "order[0]: give a JSON object"));
        assert_eq!(fault_of::<organizations::Search>(r#"{"filter":["x"]}"#).0, "filter");
        // The host's own data may hold lists.
        let create = br#"{"name":"X","metadata":{"list":[["a"],[1,null]]}}"#;
        let create: organizations::Create = parse(create).unwrap();
        assert_eq!(serde_json::Value::from(create.metadata.unwrap()), json!({ "list": [["a"], [1, null]] }));
    }

    #[test]
    fn what_to_give_is_said_in_plain_words() {
        for (detail, expected) in [
            (fault_of::<organizations::Get>(r#"{"organizationId":"z"}"#).2, "organizationId: give an id such as"),
            (fault_of::<organizations::Get>(r#"{"organizationId":7}"#).2, "organizationId: give a text"),
            (fault_of::<organizations::Get>(r#"{"organizationId":null}"#).2, "organizationId: give a text"),
            (fault_of::<organizations::Create>(r#"{"name":["x"]}"#).2, "name: give a text"),
            (fault_of::<organizations::List>(r#"{"limit":-1}"#).2, "limit: give a whole number from 0 to 4294967295"),
            (fault_of::<organizations::List>(r#"{"limit":1.5}"#).2, "limit: give a whole number from 0 to 4294967295"),
            (fault_of::<members::List>(r#"{"organizationId":"x"}"#).2, "organizationId: give an id"),
            (
                fault_of::<organizations::SetStatus>(r#"{"status":"odd"}"#).2,
                "status: give one of active, inactive, suspended",
            ),
            (fault_of::<organizations::SetStatus>(r#"{"status":{"active":null}}"#).2, "status: give a text"),
            (fault_of::<invitations::Register>(r#"{"token":"t","password":7}"#).2, "password: give a password as text"),
            (fault_of::<organizations::Create>(r#"{"metadata":[]}"#).2, "metadata: give a JSON object"),
            (
                fault_of::<organizations::Create>(r#"{"colour":1}"#).2,
                "colour: there is no such field: give some of name, slug",
            ),
            (fault_of::<tokens::Create>(r#"{"expiresAt":"soon"}"#).2, "expiresAt: give an RFC 3339 timestamp"),
            (fault_of::<tokens::Create>(r#"{"permissions":"org:view"}"#).2, "permissions: give a list"),
            (fault_of::<members::List>(r#"{"withInvitations":1}"#).2, "withInvitations: give true or false"),
        ] {
            assert!(detail.starts_with(expected), "{detail} instead of {expected}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_decimal() {
        let list: organizations::List = parse(br#"{"limit":73.0}"#).unwrap();
        assert_eq!(list.limit, Some(73));
        let create = br#"{"organizationId":"0192f0c1-2b3a-7c4d-8e5f-60718293a4b5","maxUses":1e3}"#;
        let create: join_codes::Create = parse(create).unwrap();
        assert_eq!(create.max_uses, Some(1000));
    }
}
