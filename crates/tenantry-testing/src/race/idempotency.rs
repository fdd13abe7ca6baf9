//! Idempotency keys.

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{
        Engine,
        idempotency::IdempotencyKey,
        operation::{Operation, Request},
    },
    operations::{invitations, join_codes, organizations, tokens},
    values::error::{Error, ErrorKind},
};

use super::arena::{Arena, operation, refusals};
use crate::actors;

const PROMISE: &str = "requests with one idempotency key have one effect and one answer";

async fn send<O: Operation>(node: &Engine, caller: &Caller, key: &str, input: Value) -> Result<Value, Error> {
    let key = IdempotencyKey::new(key).expect("the race uses well-formed keys");
    let request = Request::new(caller.clone()).idempotency_key(Some(key));
    let output = node.run(&request, &operation::<O>(input)).await?;
    Ok(serde_json::to_value(output).expect("an answer can be written as JSON"))
}

/// Sends the same eight times at once, then once more, then something else under the same key. The one answer.
async fn repeat<O: Operation>(arena: &Arena, caller: &Caller, input: &Value, other: &Value) -> Value {
    let key = arena.unique("key");
    let answers = arena
        .at_once(8, |arena, number| {
            let (caller, key, input) = (caller.clone(), key.clone(), input.clone());
            async move { send::<O>(arena.node(number), &caller, &key, input).await }
        })
        .await;
    refusals(&format!("{PROMISE} ({})", O::ROUTE), &answers, &[]);
    let mut answers: Vec<_> = answers.into_iter().flatten().collect();
    let later = send::<O>(arena.node(1), caller, &key, input.clone()).await;
    answers.push(later.unwrap_or_else(|error| panic!("{PROMISE}, also later: {error:?}")));
    let first = answers.swap_remove(0);
    assert!(answers.iter().all(|answer| *answer == first), "{PROMISE} ({}), but they differ", O::ROUTE);
    if other != input {
        let mismatch = send::<O>(arena.node(0), caller, &key, other.clone()).await.map_err(|error| error.kind());
        assert_eq!(mismatch, Err(ErrorKind::IdempotencyMismatch), "a key cannot be used for another request");
    }
    first
}

pub(super) async fn one_organization_for_one_key(arena: &Arena) {
    let founder = arena.person("founder");
    // With a slug of its own choice, a repetition meets the claim of the first try.
    let slug = arena.round().is_multiple_of(2).then(|| arena.unique("acme"));
    let input = json!({ "name": "Acme", "slug": slug });
    let created = repeat::<organizations::Create>(arena, &founder, &input, &json!({ "name": "Other" })).await;
    let held = arena.must::<organizations::List>(&founder, json!({})).await.organizations;
    assert_eq!(held.len(), 1, "{PROMISE}: {} organizations", held.len());
    assert_eq!(json!(held[0].organization.id), created["organization"]["id"], "{PROMISE}");
    assert_eq!(json!(held[0].organization.slug), created["organization"]["slug"], "{PROMISE}");
}

pub(super) async fn one_invitation_for_one_key(arena: &Arena) {
    let (owner, invitee) = (arena.person("owner"), arena.person("invitee"));
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "username": actors::id(&invitee) });
    let other = json!({ "organizationId": organization, "username": "another" });
    let created = repeat::<invitations::Create>(arena, &owner, &input, &other).await;
    let listed = arena.must::<invitations::List>(&owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.invitations.len(), 1, "{PROMISE}");

    let by_id = !arena.round().is_multiple_of(2);
    let accept =
        if by_id { json!({ "id": created["invitation"]["id"] }) } else { json!({ "token": created["token"] }) };
    let joined = repeat::<invitations::Accept>(arena, &invitee, &accept, &accept).await;
    assert_eq!(joined["alreadyMember"], json!(false), "{PROMISE}: that of the first");
    let events = arena.events(organization, &["invitations.create", "invitations.accept"]).await;
    assert_eq!(events, 2, "{PROMISE}, by the audit log");
}

pub(super) async fn one_token_for_one_key(arena: &Arena) {
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "permissions": ["org:view"] });
    let other = json!({ "organizationId": organization });
    let created = repeat::<tokens::Create>(arena, &owner, &input, &other).await;
    let listed = arena.must::<tokens::List>(&owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.api_tokens.len(), 1, "{PROMISE}");
    let bearer = created["apiToken"]["bearer"].as_str().expect("a new token comes with its bearer");
    let Caller::Token(presented) = actors::token(bearer) else { unreachable!("a bearer makes a token") };
    let tenant = arena.node(1).resolve_token(&presented).await;
    assert!(tenant.is_ok_and(|tenant| tenant.has("org:view")), "{PROMISE}, and its secret is good");
}

pub(super) async fn one_join_for_one_key(arena: &Arena) {
    let (owner, newcomer) = (arena.person("owner"), arena.person("newcomer"));
    let organization = arena.organization(&owner).await;
    let input = json!({ "organizationId": organization, "maxUses": 1 });
    let other = json!({ "organizationId": organization, "maxUses": 2 });
    let created = repeat::<join_codes::Create>(arena, &owner, &input, &other).await;
    let join = json!({ "code": created["code"] });
    let joined = repeat::<join_codes::Join>(arena, &newcomer, &join, &join).await;
    assert_eq!(joined["alreadyMember"], json!(false), "{PROMISE}: that of the first");
    let listed = arena.must::<join_codes::List>(&owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.join_codes.len(), 1, "{PROMISE}");
    assert_eq!(listed.join_codes[0].uses, 1, "{PROMISE}");
}
