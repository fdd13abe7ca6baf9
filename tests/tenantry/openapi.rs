//! `GET /openapi.json`: the committed document is the one that is served.

use std::{env, fs};

use reqwest::Method;
use serde_json::Value;

use crate::{actors::Actor, world::on_every_store};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/tenantry-admin/openapi.json");

#[test]
fn the_committed_document_is_the_one_that_the_types_make() {
    let made = tenantry_admin::openapi() + "\n";
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(COMMITTED, &made).unwrap();
    }
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(made == committed, "openapi.json is out of date: UPDATE_SNAPSHOTS=1 cargo test -p tenantry-tests");
}

#[tokio::test]
async fn the_document_is_served_and_every_operation_is_whole() {
    on_every_store(async |world| {
        let answer = world.send(&Actor::nobody(), world.request(Method::GET, "/tenantry/openapi.json")).await;
        let document = answer.ok();
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        let paths = document["paths"].as_object().unwrap();
        for (path, item) in paths {
            let operation = &item["post"];
            let id = operation["operationId"].as_str().unwrap();
            assert!(id.starts_with("organizations."), "{path}: {id}");
            let open = id == "organizations.invitations.register";
            assert_eq!(operation["security"].as_array().map(Vec::is_empty), Some(open), "{id}");
            assert_eq!(operation["responses"]["401"].is_null(), open, "{id}");
            for status in ["200", "400", "403", "503"] {
                assert!(operation["responses"][status].is_object(), "{id} does not tell of {status}");
            }
            require_resolved(&document, operation);
        }
        assert_eq!(paths.len(), 43);
    })
    .await;
}

/// Every reference leads somewhere.
fn require_resolved(document: &Value, value: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                let found = document.pointer(&reference[1..]);
                assert!(found.is_some(), "{reference} leads nowhere");
            }
            map.values().for_each(|value| require_resolved(document, value));
        }
        Value::Array(values) => values.iter().for_each(|value| require_resolved(document, value)),
        _ => {}
    }
}
