//! The OpenAPI document as the truth: what it allows is not refused for its form, and what it does not allow is, with
//! the field named. Each schema is tried at each of its bounds, on both sides.

mod generate;
mod words;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use self::generate::Document;
use crate::{
    actors::Actor,
    world::{Answer, World, embedded},
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/tenantry-admin/openapi.json");

fn committed() -> Value {
    serde_json::from_str(&fs::read_to_string(COMMITTED).unwrap()).unwrap()
}

/// The operations with the schemas of their inputs.
fn operations(document: &Value) -> Vec<(&str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let posted = paths.filter_map(|(path, item)| item.get("post").map(|operation| (path, operation)));
    let operations: Vec<_> = posted
        .map(|(path, operation)| {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            (path.strip_prefix("/v1/organizations/").unwrap(), schema)
        })
        .collect();
    assert!(operations.len() > 40);
    operations
}

/// The input, in an organization that there is where only that shows what is refused of several.
fn within(organization: &str, operation: &str, mut input: Value) -> Value {
    if operation == "invitations/create-batch" && input["organizationId"] == words::UUID {
        input["organizationId"] = json!(organization);
    }
    input
}

/// The faults that are named: of the request, or of one of several in it.
fn faults(answer: &Answer) -> Vec<Value> {
    let of_several = answer.body["results"].as_array().into_iter().flatten();
    let errors = of_several.map(|result| &result["error"]["errors"]).chain([&answer.body["errors"]]);
    errors.filter_map(Value::as_array).flatten().cloned().collect()
}

/// Whoever may do it at all: a platform admin, or a user who may do nothing in the organizations that there are not.
fn actor(operation: &str) -> Actor {
    match operation {
        "set-status" | "accounts/update" | "accounts/forget" | "tokens/introspect" => Actor::platform_admin(),
        _ => Actor::user("alice"),
    }
}

#[tokio::test]
async fn what_the_document_allows_is_not_refused_for_its_form() {
    let (world, document) = (World::start(embedded()).await, committed());
    let organization = world.organization(&Actor::user("alice")).await;
    let mut refused = Vec::new();
    for (operation, schema) in operations(&document) {
        for input in Document(&document).valid(schema, "") {
            let input = within(&organization, operation, input);
            let answer = world.call(&actor(operation), operation, input.clone()).await;
            assert!(answer.status.as_u16() < 500, "{operation} {input}: {}", answer.body);
            if answer.body["code"] == "invalid_request" || !faults(&answer).is_empty() {
                refused.push(format!("{operation} {input}: {:?}", faults(&answer)));
            }
        }
    }
    assert!(refused.is_empty(), "{} valid inputs are refused:\n{}", refused.len(), refused.join("\n"));
}

#[tokio::test]
async fn what_the_document_does_not_allow_is_refused_and_its_field_named() {
    let (world, document) = (World::start(embedded()).await, committed());
    let organization = world.organization(&Actor::user("alice")).await;
    let mut wrong = Vec::new();
    for (operation, schema) in operations(&document) {
        for sample in Document(&document).invalid(schema, "") {
            let input = within(&organization, operation, sample.value);
            let answer = world.call(&actor(operation), operation, input.clone()).await;
            let path = if sample.path.is_empty() { "body" } else { &sample.path };
            if !faults(&answer).iter().any(|fault| fault["field"] == path) {
                wrong.push(format!("{operation} {input}: {path} is not refused but {}", answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{} invalid inputs:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_idempotency_key_is_what_the_document_says() {
    let (world, document) = (World::start(embedded()).await, committed());
    let parameter = &document["paths"]["/v1/organizations/create"]["post"]["parameters"][0];
    assert_eq!(parameter["name"], "Idempotency-Key");
    let (least, most) = (&parameter["schema"]["minLength"], &parameter["schema"]["maxLength"]);
    assert_eq!((least, most), (&json!(1), &json!(255)));
    assert_eq!(parameter["schema"]["pattern"], "^[!-~]+$");
    let create = async |key: &str| {
        let request = world.request(Method::POST, "/tenantry/v1/organizations/create");
        world.send(&Actor::user("alice"), request.header("Idempotency-Key", key).json(&json!({ "name": "X" }))).await
    };
    for key in ["!", "~", &"x".repeat(255)] {
        create(key).await.ok();
    }
    for key in ["a b", "\u{e9}", &"x".repeat(256)] {
        create(key).await.names_field("Idempotency-Key");
    }
}
