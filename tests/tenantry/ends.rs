//! What an API token that ends hands out ends no later than itself, in whatever way.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::core::values::clock::{Clock, Timestamp};

use crate::{
    actors::Actor,
    world::{Answer, World, on_every_store},
};

const OWN: Duration = Duration::from_secs(60);

/// An organization, its owner, and a token of it that may do all that tokens may and ends in a minute.
async fn ending(world: &World) -> (Actor, String, Actor, Timestamp) {
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    let end = world.clock.now().after(OWN);
    let permissions = ["org:view", "org:manage", "members:view", "members:manage", "tokens:manage"];
    let input = json!({ "organizationId": organization, "permissions": permissions, "expiresAt": end });
    let created = world.call(&alice, "tokens/create", input).await.ok();
    let token = Actor::token(created["apiToken"]["bearer"].as_str().unwrap());
    (alice, organization, token, end)
}

fn exceeds(answer: &Answer, field: &str) {
    answer.refused(403, "grant_exceeds_own");
    assert_eq!(
        (&answer.body["errors"][0]["field"], &answer.body["errors"][0]["code"]),
        (&json!(field), &json!("too_late"))
    );
}

/// What `input` says, ending then.
fn until(mut input: Value, end: Timestamp) -> Value {
    input["expiresAt"] = json!(end);
    input
}

#[tokio::test]
async fn a_token_that_ends_makes_none_that_ends_later() {
    on_every_store(async |world| {
        let (alice, organization, token, end) = ending(&world).await;
        let mint = json!({ "organizationId": organization, "permissions": ["org:view"] });
        let later = end.after(Duration::from_millis(1));
        exceeds(&world.call(&token, "tokens/create", mint.clone()).await, "expiresAt");
        exceeds(&world.call(&token, "tokens/create", until(mint.clone(), later)).await, "expiresAt");
        let minted = world.call(&token, "tokens/create", until(mint.clone(), end)).await.ok();
        let minted = Actor::token(minted["apiToken"]["bearer"].as_str().unwrap());
        world.whoami(&minted, None).await.ok();
        // Whoever does not end themselves is not bound by it.
        world.call(&alice, "tokens/create", until(mint, later)).await.ok();
        world.clock.advance(OWN);
        world.whoami(&minted, None).await.refused(401, "expired_token");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_ends_prolongs_neither_itself_nor_another() {
    on_every_store(async |world| {
        let (alice, organization, token, end) = ending(&world).await;
        let lasting = world.token(&alice, &organization, &["org:view", "members:view"]).await;
        let update = |key: &str| json!({ "organizationId": organization, "key": key });
        let later = end.after(Duration::from_millis(1));
        let mut endless = update(&token.id);
        endless["expiresAt"] = json!(null);
        exceeds(&world.call(&token, "tokens/update", endless.clone()).await, "expiresAt");
        exceeds(&world.call(&token, "tokens/update", until(update(&token.id), later)).await, "expiresAt");
        // What takes away is no grant, but what a lasting one gains would outlive the giver.
        let mut narrow = update(&lasting.id);
        narrow["permissions"] = json!(["org:view"]);
        world.call(&token, "tokens/update", narrow.clone()).await.ok();
        narrow["permissions"] = json!(["org:view", "org:manage"]);
        exceeds(&world.call(&token, "tokens/update", narrow).await, "permissions");
        world.call(&token, "tokens/update", until(update(&lasting.id), later)).await.ok();
        exceeds(&world.call(&token, "tokens/update", until(update(&lasting.id), later.after(OWN))).await, "expiresAt");
        let half = world.clock.now().after(OWN / 2);
        world.call(&token, "tokens/update", until(update(&token.id), half)).await.ok();
        exceeds(&world.call(&token, "tokens/update", until(update(&token.id), end)).await, "expiresAt");
        let ended = world.call(&alice, "tokens/update", endless).await.ok();
        assert_eq!(ended["apiToken"]["expiresAt"], json!(null));
        world.clock.advance(OWN * 2);
        world.whoami(&token, None).await.ok();
    })
    .await;
}

#[tokio::test]
async fn rotating_gives_no_secret_that_works_longer_than_the_token_or_the_caller() {
    on_every_store(async |world| {
        let (alice, organization, token, end) = ending(&world).await;
        let rotate = |key: &str| json!({ "organizationId": organization, "key": key, "overlapSeconds": 3600 });
        let lasting = world.token(&alice, &organization, &["org:view"]).await;
        exceeds(&world.call(&token, "tokens/rotate", rotate(&lasting.id)).await, "key");
        let rotated = world.call(&token, "tokens/rotate", rotate(&token.id)).await.ok();
        let renewed = Actor::token(rotated["apiToken"]["bearer"].as_str().unwrap());
        let listed = world.call(&alice, "tokens/list", json!({ "organizationId": organization })).await.ok();
        let tokens = listed["apiTokens"].as_array().unwrap();
        let overlap = |tokens: &[Value]| {
            tokens.iter().find(|one| one["key"] == *token.id).unwrap()["previousSecret"]["validUntil"].clone()
        };
        assert_eq!(overlap(tokens), json!(end));
        // An earlier end cuts the overlap short, and a later one does not give it back.
        let half = world.clock.now().after(OWN / 2);
        for end in [json!(half), json!(null)] {
            let update = json!({ "organizationId": organization, "key": token.id, "expiresAt": end });
            let updated = world.call(&alice, "tokens/update", update).await.ok();
            assert_eq!(overlap(&[updated["apiToken"].clone()]), json!(half));
        }
        // By its old secret, the token has no more time than that secret.
        let mint = json!({ "organizationId": organization, "permissions": [] });
        exceeds(&world.call(&token, "tokens/create", mint.clone()).await, "expiresAt");
        exceeds(&world.call(&token, "tokens/create", until(mint.clone(), end)).await, "expiresAt");
        world.call(&token, "tokens/create", until(mint.clone(), half)).await.ok();
        world.call(&renewed, "tokens/create", mint).await.ok();
    })
    .await;
}

#[tokio::test]
async fn invitations_and_join_codes_of_a_token_end_with_it() {
    on_every_store(async |world| {
        let (alice, organization, token, end) = ending(&world).await;
        let later = end.after(Duration::from_millis(1));
        let invite = |email: &str| json!({ "organizationId": organization, "email": email });
        exceeds(&world.call(&token, "invitations/create", until(invite("bob@example.com"), later)).await, "expiresAt");
        let invited = world.call(&token, "invitations/create", invite("bob@example.com")).await.ok();
        assert_eq!(invited["invitation"]["expiresAt"], json!(end));
        let lasting = world.call(&alice, "invitations/create", invite("carol@example.com")).await.ok();

        let batch = json!({ "organizationId": organization, "invitations": [
            until(json!({ "email": "dave@example.com" }), later), { "email": "erin@example.com" },
        ] });
        let results = world.call(&token, "invitations/create-batch", batch).await.ok()["results"].clone();
        assert_eq!(results[0]["error"]["code"], "grant_exceeds_own");
        assert_eq!(results[0]["error"]["errors"][0]["field"], "invitations[0].expiresAt");
        assert_eq!(results[1]["invitation"]["expiresAt"], json!(end));

        let resend = json!({ "organizationId": organization, "id": lasting["invitation"]["id"] });
        exceeds(&world.call(&token, "invitations/resend", until(resend.clone(), later)).await, "expiresAt");
        let renewed = world.call(&token, "invitations/resend", resend).await.ok();
        assert_eq!(renewed["invitation"]["expiresAt"], json!(end));

        let code = json!({ "organizationId": organization });
        exceeds(&world.call(&token, "join-codes/create", code.clone()).await, "expiresAt");
        exceeds(&world.call(&token, "join-codes/create", until(code.clone(), later)).await, "expiresAt");
        let code = world.call(&token, "join-codes/create", until(code, end)).await.ok();

        // Whoever came in by then stays: a membership is no credential of the token's.
        let [bob, frank] = ["bob", "frank"].map(Actor::user);
        world.call(&bob, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        world.clock.advance(OWN);
        world.call(&frank, "join-codes/join", json!({ "code": code["code"] })).await.refused(410, "expired");
        world.whoami(&bob, Some(&organization)).await.ok();
    })
    .await;
}
