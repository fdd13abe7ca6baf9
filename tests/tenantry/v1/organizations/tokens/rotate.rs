//! `POST /v1/organizations/tokens/rotate`

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::core::values::clock::Clock;

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn rotate(world: &World, by: &Actor, organization: &str, key: &str, overlap_seconds: Option<u32>) -> Actor {
    let input = json!({ "organizationId": organization, "key": key, "overlapSeconds": overlap_seconds });
    let rotated = world.call(by, "tokens/rotate", input).await.ok();
    assert_eq!(rotated["apiToken"]["key"], key);
    Actor::token(rotated["apiToken"]["bearer"].as_str().unwrap())
}

async fn listed(world: &World, by: &Actor, organization: &str) -> Value {
    world.call(by, "tokens/list", json!({ "organizationId": organization })).await.ok()["apiTokens"][0].clone()
}

#[tokio::test]
async fn the_new_secret_works_and_the_old_one_only_during_the_overlap() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let first = world.token(&alice, &organization, &["org:view"]).await;
        world.whoami(&first, None).await.ok();
        let second = rotate(&world, &alice, &organization, &first.id, None).await;
        world.whoami(&first, None).await.refused(401, "invalid_token");
        assert_eq!(world.whoami(&second, None).await.ok()["permissions"], json!(["org:view"]));
        assert_eq!(listed(&world, &alice, &organization).await["previousSecret"], json!(null));

        let third = rotate(&world, &alice, &organization, &first.id, Some(60)).await;
        let ends = listed(&world, &alice, &organization).await["previousSecret"].clone();
        assert!(second.authorization.as_deref().unwrap().ends_with(ends["lastFour"].as_str().unwrap()));
        assert!(ends["validUntil"].is_string());
        for token in [&second, &third] {
            world.whoami(token, None).await.ok();
        }
        // Once both are used, the list says so of each.
        let is_known =
            |token: &Value| token["lastUsedAt"].is_string() && token["previousSecret"]["lastUsedAt"].is_string();
        while !is_known(&listed(&world, &alice, &organization).await) {
            tokio::task::yield_now().await;
        }
        world.clock.advance(Duration::from_secs(60));
        world.whoami(&second, None).await.refused(401, "invalid_token");
        world.whoami(&third, None).await.ok();
        assert_eq!(listed(&world, &alice, &organization).await["previousSecret"], json!(null));

        // Rotating again during an overlap ends the older one.
        let fourth = rotate(&world, &alice, &organization, &first.id, Some(60)).await;
        let fifth = rotate(&world, &alice, &organization, &first.id, Some(60)).await;
        world.whoami(&third, None).await.refused(401, "invalid_token");
        for token in [&fourth, &fifth] {
            world.whoami(token, None).await.ok();
        }
        let revoke = json!({ "organizationId": organization, "key": first.id });
        world.call(&alice, "tokens/revoke", revoke).await.ok();
        for token in [&fourth, &fifth] {
            world.whoami(token, None).await.refused(401, "invalid_token");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_may_rotate_itself_and_nobody_gains_by_it() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let strong = world.token(&alice, &organization, &["org:delete"]).await;
        let other = world.token(&alice, &organization, &["org:view", "tokens:manage"]).await;
        let input = |key: &str| json!({ "organizationId": organization, "key": key });
        for weaker in [&bob, &other] {
            world.call(weaker, "tokens/rotate", input(&strong.id)).await.refused(403, "grant_exceeds_own");
        }
        world.call(&strong, "tokens/rotate", input(&other.id)).await.refused(403, "forbidden");
        let renewed = rotate(&world, &strong, &organization, &strong.id, Some(60)).await;
        // An old secret is no right to a new one.
        world.call(&strong, "tokens/rotate", input(&strong.id)).await.refused(403, "forbidden");
        let renewed = rotate(&world, &renewed, &organization, &strong.id, None).await;
        world.whoami(&renewed, None).await.ok();
        world.call(&strong, "tokens/rotate", input(&strong.id)).await.refused(401, "invalid_token");
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "key": strong.id });
        world.call(&dave, "tokens/rotate", foreign.clone()).await.refused(404, "not_found");
        world.call(&renewed, "tokens/rotate", foreign).await.refused(404, "not_found");
        let mut long = input(&strong.id);
        long["overlapSeconds"] = json!(30 * 24 * 3600 + 1);
        world.call(&alice, "tokens/rotate", long).await.names_field("overlapSeconds");
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_gets_no_new_secret() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let input = json!({ "organizationId": organization, "key": token.id });
        // A repetition gets the answer of the first, and makes no secret of its own.
        let again = world.call_once(&alice, "again", "tokens/rotate", input.clone()).await.ok();
        assert_eq!(world.call_once(&alice, "again", "tokens/rotate", input.clone()).await.ok(), again);
        world.call(&alice, "tokens/revoke", input.clone()).await.ok();
        world.call(&alice, "tokens/rotate", input).await.refused(410, "revoked");
        let ends = world.clock.now().after(Duration::from_secs(10)).to_string();
        let mint = json!({ "organizationId": organization, "expiresAt": ends });
        let minted = world.call(&alice, "tokens/create", mint).await.ok();
        world.clock.advance(Duration::from_secs(10));
        let input = json!({ "organizationId": organization, "key": minted["apiToken"]["key"] });
        world.call(&alice, "tokens/rotate", input).await.refused(410, "expired");
    })
    .await;
}
