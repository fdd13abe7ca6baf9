//! Rules that no race and no random sequence is likely to meet.

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{
        Engine,
        idempotency::IdempotencyKey,
        operation::{Operation, Request},
    },
    operations::{invitations, join_codes, members, organizations, tokens},
    values::error::{Error, ErrorKind},
};
use tenantry_testing::actors;

async fn attempt<O: Operation>(
    engine: &Engine,
    caller: &Caller,
    key: Option<&str>,
    input: Value,
) -> Result<O::Output, Error> {
    let key = key.map(|key| IdempotencyKey::new(key).expect("the test uses well-formed keys"));
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(caller.clone()).idempotency_key(key), &operation).await
}

async fn organization(engine: &Engine) -> Value {
    let created = attempt::<organizations::Create>(engine, &actors::alice(), None, json!({ "name": "Acme" })).await;
    json!(created.expect("anybody can create an organization").organization.id)
}

#[tokio::test]
async fn a_repetition_needs_the_secret_of_the_token_that_it_claims_to_be() {
    let engine = crate::in_memory();
    let organization = organization(&engine).await;
    let permissions = ["org:view", "tokens:manage"];
    let input = json!({ "organizationId": organization, "permissions": permissions });
    let minted = attempt::<tokens::Create>(&engine, &actors::alice(), None, input).await.unwrap().api_token;
    let input = json!({ "organizationId": organization, "permissions": ["org:view"] });
    let first = attempt::<tokens::Create>(&engine, &actors::token(&minted.bearer), Some("key-1"), input.clone()).await;
    assert!(first.is_ok());

    let guess = actors::token(&format!("{}:ts_guess", minted.key));
    let stolen = attempt::<tokens::Create>(&engine, &guess, Some("key-1"), input.clone()).await;
    assert_eq!(stolen.map_err(|error| error.kind()).err(), Some(ErrorKind::InvalidToken));

    let revoke = json!({ "organizationId": organization, "key": minted.key });
    attempt::<tokens::Revoke>(&engine, &actors::alice(), None, revoke).await.unwrap();
    let late = attempt::<tokens::Create>(&engine, &actors::token(&minted.bearer), Some("key-1"), input).await;
    assert_eq!(late.map_err(|error| error.kind()).err(), Some(ErrorKind::InvalidToken));
}

#[tokio::test]
async fn a_removed_admin_is_not_shown_a_secret_again() {
    let engine = crate::in_memory();
    let organization = organization(&engine).await;
    let input = json!({ "organizationId": organization, "username": "bob", "role": "admin" });
    let invited = attempt::<invitations::Create>(&engine, &actors::alice(), None, input).await.unwrap();
    let accept = json!({ "token": invited.token });
    attempt::<invitations::Accept>(&engine, &actors::bob(), None, accept).await.unwrap();
    let input = json!({ "organizationId": organization, "permissions": ["org:view"] });
    attempt::<tokens::Create>(&engine, &actors::bob(), Some("key-1"), input.clone()).await.unwrap();
    let remove = json!({ "organizationId": organization, "userId": "bob" });
    attempt::<members::Remove>(&engine, &actors::alice(), None, remove).await.unwrap();
    let again = attempt::<tokens::Create>(&engine, &actors::bob(), Some("key-1"), input).await;
    assert_eq!(again.map_err(|error| error.kind()).err(), Some(ErrorKind::NotFound));
}

#[tokio::test]
async fn an_address_is_a_members_as_long_as_one_member_has_it() {
    let engine = crate::in_memory();
    let organization = organization(&engine).await;
    let code = json!({ "organizationId": organization });
    let code = attempt::<join_codes::Create>(&engine, &actors::alice(), None, code).await;
    let join = json!({ "code": code.unwrap().code });
    for name in ["one", "two"] {
        let user = actors::user_at(name, "shared@example.com", true);
        let joined = attempt::<join_codes::Join>(&engine, &user, None, join.clone()).await;
        assert!(joined.is_ok());
    }
    for (name, expected) in [("two", Some(ErrorKind::AlreadyMember)), ("one", None)] {
        let remove = json!({ "organizationId": organization, "userId": name });
        attempt::<members::Remove>(&engine, &actors::alice(), None, remove).await.unwrap();
        let invite = json!({ "organizationId": organization, "email": "Shared@example.com" });
        let invited = attempt::<invitations::Create>(&engine, &actors::alice(), None, invite).await;
        assert_eq!(invited.map_err(|error| error.kind()).err(), expected, "after {name} was removed");
    }
}
