//! When an API token was last used, wherever it was presented.

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// What the list says of the organization's only token.
async fn listed(world: &World, alice: &Actor, organization: &str) -> Value {
    world.call(alice, "tokens/list", json!({ "organizationId": organization })).await.ok()["apiTokens"][0].clone()
}

#[tokio::test]
async fn a_use_of_the_native_api_counts_also_if_it_is_not_permitted() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        for (operation, input, status) in [
            ("get", here.clone(), 200),
            ("roles", json!({}), 200),
            ("tokens/list", here.clone(), 403),
            ("members/get", json!({ "organizationId": organization, "userId": "nobody" }), 403),
        ] {
            let token = world.token(&alice, &organization, &["org:view"]).await;
            assert_eq!(listed(&world, &alice, &organization).await["lastUsedAt"], Value::Null);
            assert_eq!(world.call(&token, operation, input).await.status, status, "{operation}");
            assert!(listed(&world, &alice, &organization).await["lastUsedAt"].is_string(), "{operation}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_use_does_not_count() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let forged = Actor::token(&format!("{}:ts_{}", token.id, "0".repeat(49)));
        world.call(&forged, "get", json!({ "organizationId": organization })).await.refused(401, "invalid_token");
        // Whether the secret is right is looked at after the request is.
        world.call(&forged, "get", json!({})).await.refused(400, "invalid_request");
        world
            .call(&forged, "tokens/list", json!({ "organizationId": organization, "limit": 0 }))
            .await
            .names_field("limit");
        assert_eq!(listed(&world, &alice, &organization).await["lastUsedAt"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn each_secret_of_an_overlap_counts_by_itself() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let first = world.token(&alice, &organization, &["org:view"]).await;
        let rotate = json!({ "organizationId": organization, "key": first.id, "overlapSeconds": 600 });
        let rotated = world.call(&alice, "tokens/rotate", rotate).await.ok();
        let second = Actor::token(rotated["apiToken"]["bearer"].as_str().unwrap());
        world.call(&second, "get", here.clone()).await.ok();
        let token = listed(&world, &alice, &organization).await;
        assert!(token["lastUsedAt"].is_string());
        assert_eq!(token["previousSecret"]["lastUsedAt"], Value::Null);
        world.call(&first, "get", here).await.ok();
        assert!(listed(&world, &alice, &organization).await["previousSecret"]["lastUsedAt"].is_string());
    })
    .await;
}

#[tokio::test]
async fn whoever_introspects_a_token_was_presented_it() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let bearer = token.authorization.as_deref().and_then(|sent| sent.strip_prefix("Bearer ")).unwrap();
        let wrong = format!("{}:ts_{}", token.id, "0".repeat(49));
        let root = Actor::platform_admin();
        let active = async |token: &str| {
            world.call(&root, "tokens/introspect", json!({ "token": token })).await.ok()["active"].clone()
        };
        assert_eq!(active(&wrong).await, false);
        assert_eq!(listed(&world, &alice, &organization).await["lastUsedAt"], Value::Null);
        assert_eq!(active(bearer).await, true);
        assert!(listed(&world, &alice, &organization).await["lastUsedAt"].is_string());
    })
    .await;
}
