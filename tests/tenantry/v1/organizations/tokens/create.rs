//! `POST /v1/organizations/tokens/create`

use serde_json::json;
use tenantry::core::secret::looks_like_a_secret;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_token_is_the_organizations_and_holds_what_was_listed() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let input = json!({
            "organizationId": organization, "name": "ci", "env": "test", "permissions": ["notes:write", "org:view"],
        });
        let created = world.call(&bob, "tokens/create", input).await.ok()["apiToken"].clone();
        let [key, secret] = ["key", "secret"].map(|field| created[field].as_str().unwrap());
        assert!(key.starts_with("tk_test_"));
        assert!(looks_like_a_secret(secret));
        assert_eq!(created["bearer"], format!("{key}:{secret}"));
        assert!(secret.ends_with(created["lastFour"].as_str().unwrap()));

        // It outlives its maker, whether presented as Bearer or as Basic.
        let remove = json!({ "organizationId": organization, "userId": "bob" });
        world.call(&alice, "members/remove", remove).await.ok();
        for token in
            [Actor::token(created["bearer"].as_str().unwrap()), Actor::basic(created["bearer"].as_str().unwrap())]
        {
            let who = world.whoami(&token, None).await.ok();
            assert_eq!(who["organizationId"], organization);
            assert_eq!(who["principal"], json!({ "kind": "apiToken", "id": key }));
            assert_eq!((&who["role"], &who["roles"]), (&json!(null), &json!([])));
            assert_eq!(who["permissions"], json!(["org:view", "notes:write"]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_never_holds_more_than_its_maker() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let mint = |permissions: &[&str]| json!({ "organizationId": organization, "permissions": permissions });
        world.call(&bob, "tokens/create", mint(&["org:delete"])).await.refused(403, "grant_exceeds_own");
        world.call(&alice, "tokens/create", mint(&["cake:eat"])).await.names_field("permissions");
        let machine = world.token(&alice, &organization, &["tokens:manage"]).await;
        world.call(&machine, "tokens/create", mint(&["org:view"])).await.refused(403, "grant_exceeds_own");
        world.call(&machine, "tokens/create", mint(&["tokens:manage"])).await.ok();
        // None listed, none held.
        let created = world.call(&alice, "tokens/create", json!({ "organizationId": organization })).await.ok();
        let bare = Actor::token(created["apiToken"]["bearer"].as_str().unwrap());
        assert_eq!(world.whoami(&bare, None).await.ok()["permissions"], json!([]));
        world.call(&bare, "get", json!({ "organizationId": organization })).await.refused(403, "forbidden");
        // org:manage is enough to mint.
        let manager = world.token(&alice, &organization, &["org:manage"]).await;
        world.call(&manager, "tokens/create", mint(&["tokens:manage"])).await.ok();
    })
    .await;
}

#[tokio::test]
async fn what_is_given_must_make_sense() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        for (mut input, field) in [
            (json!({ "name": "n".repeat(101) }), "name"),
            (json!({ "env": "production" }), "env"),
            (json!({ "permissions": vec!["org:view"; 257] }), "permissions"),
            (json!({ "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
        ] {
            input["organizationId"] = json!(organization);
            world.call(&alice, "tokens/create", input).await.names_field(field);
        }
    })
    .await;
}
