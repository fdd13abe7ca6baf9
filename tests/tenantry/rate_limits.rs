//! The rate limit of an API token, at every door.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{Answer, World, on_every_store},
};

/// A token of the organization that may do much, so often.
async fn limited(world: &World, by: &Actor, organization: &str, requests: u32, seconds: u32) -> Actor {
    let input = json!({
        "organizationId": organization, "permissions": ["org:view", "org:manage", "tokens:manage"],
        "rateLimit": { "requests": requests, "seconds": seconds },
    });
    let created = world.call(by, "tokens/create", input).await.ok();
    Actor::token(created["apiToken"]["bearer"].as_str().unwrap())
}

async fn listed(world: &World, by: &Actor, organization: &str, key: &str) -> Value {
    let listed = world.call(by, "tokens/list", json!({ "organizationId": organization })).await.ok();
    listed["apiTokens"].as_array().unwrap().iter().find(|token| token["key"] == key).unwrap().clone()
}

fn limited_to(answer: &Answer, policy: &str, wait: u32) {
    answer.refused(429, "rate_limited");
    let headers = ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| answer.headers[name].to_str().unwrap());
    assert_eq!(
        headers,
        [&*format!("\"api-token\";{policy}"), &*format!("\"api-token\";r=0;t={wait}"), &*wait.to_string()]
    );
}

#[tokio::test]
async fn all_doors_share_one_count_and_what_is_refused_is_not_done() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let elsewhere = world.organization(&dave).await;
        let token = limited(&world, &alice, &organization, 6, 60).await;
        let about = json!({ "organizationId": organization });
        // Once each: unknown to the layer, known to it, by a right, by a credential alone, as no person, and elsewhere.
        world.whoami(&token, None).await.ok();
        world.whoami(&token, None).await.ok();
        world.call(&token, "get", about.clone()).await.ok();
        world.call(&token, "roles", json!({})).await.ok();
        world.call(&token, "create", json!({ "name": "Mine" })).await.refused(403, "forbidden");
        world.call(&token, "get", json!({ "organizationId": elsewhere })).await.refused(404, "not_found");
        limited_to(&world.whoami(&token, None).await, "q=6;w=60", 10);
        let workspace = json!({ "organizationId": organization, "name": "North" });
        for (operation, input) in [
            ("get", about.clone()),
            ("roles", json!({})),
            ("create", json!({ "name": "Mine" })),
            ("get", json!({ "organizationId": elsewhere })),
            ("workspaces/create", workspace.clone()),
        ] {
            limited_to(&world.call(&token, operation, input).await, "q=6;w=60", 10);
        }
        assert_eq!(world.call(&alice, "workspaces/list", about.clone()).await.ok()["workspaces"], json!([]));
        // Others go on, and so does the token when there is room again.
        world.clock.advance(Duration::from_secs(10));
        world.call(&token, "workspaces/create", workspace).await.ok();
        limited_to(&world.whoami(&token, None).await, "q=6;w=60", 10);
        world.clock.advance(Duration::from_secs(60));
        for _ in 0..6 {
            world.whoami(&token, None).await.ok();
        }
        limited_to(&world.whoami(&token, None).await, "q=6;w=60", 10);
        // A token that is not valid is told so.
        let wrong = Actor::token(&format!("{}:ts_wrong", token.id));
        world.whoami(&wrong, None).await.refused(401, "invalid_token");
        world.call(&wrong, "get", about.clone()).await.refused(401, "invalid_token");
        let revoke = json!({ "organizationId": organization, "key": token.id });
        world.call(&alice, "tokens/revoke", revoke).await.ok();
        world.whoami(&token, None).await.refused(401, "invalid_token");
        world.call(&token, "get", about).await.refused(401, "invalid_token");
    })
    .await;
}

#[tokio::test]
async fn a_limit_is_listed_and_changed_and_not_by_the_token_itself() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = limited(&world, &alice, &organization, 100, 60).await;
        let of = async || listed(&world, &alice, &organization, &token.id).await["rateLimit"].clone();
        assert_eq!(of().await, json!({ "requests": 100, "seconds": 60 }));
        let introspect = json!({ "token": token.authorization.as_deref().unwrap().trim_start_matches("Bearer ") });
        let told = world.call(&Actor::platform_admin(), "tokens/introspect", introspect).await.ok();
        assert_eq!(told["rateLimit"], json!({ "requests": 100, "seconds": 60 }));

        let update = |limit: Value| json!({ "organizationId": organization, "key": token.id, "rateLimit": limit });
        for limit in [json!(null), json!({ "requests": 101, "seconds": 60 })] {
            world.call(&token, "tokens/update", update(limit)).await.refused(403, "forbidden");
        }
        world.call(&token, "tokens/update", update(json!({ "requests": 100, "seconds": 60 }))).await.ok();
        assert_eq!(of().await, json!({ "requests": 100, "seconds": 60 }));
        // Known to the layer as it was, the token has the new limit from the next request on.
        world.whoami(&token, None).await.ok();
        world.call(&alice, "tokens/update", update(json!({ "requests": 1, "seconds": 86_400 }))).await.ok();
        assert_eq!(of().await, json!({ "requests": 1, "seconds": 86_400 }));
        world.clock.advance(Duration::from_secs(60));
        world.whoami(&token, None).await.ok();
        limited_to(&world.whoami(&token, None).await, "q=1;w=86400", 86_400);
        // What is absent stays.
        let rename = json!({ "organizationId": organization, "key": token.id, "name": "ci" });
        world.call(&alice, "tokens/update", rename).await.ok();
        limited_to(&world.whoami(&token, None).await, "q=1;w=86400", 86_400);
        let updated = world.call(&alice, "tokens/update", update(json!(null))).await.ok();
        assert_eq!(updated["apiToken"]["rateLimit"], json!(null));
        for _ in 0..3 {
            world.whoami(&token, None).await.ok();
        }
        assert_eq!(of().await, json!(null));
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_no_use_of_the_token() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = limited(&world, &alice, &organization, 1, 86_400).await;
        let other = world.token(&alice, &organization, &["org:view"]).await;
        let used = async |token: &Actor| listed(&world, &alice, &organization, &token.id).await["lastUsedAt"].clone();
        let noted = async |token: &Actor| {
            while used(token).await.is_null() {
                tokio::task::yield_now().await;
            }
            used(token).await
        };
        world.whoami(&token, None).await.ok();
        let first = noted(&token).await;
        world.clock.advance(Duration::from_secs(1800));
        limited_to(&world.whoami(&token, None).await, "q=1;w=86400", 84_600);
        world.call(&token, "get", json!({ "organizationId": organization })).await.refused(429, "rate_limited");
        // Another one's use, later than that, is noted.
        world.whoami(&other, None).await.ok();
        noted(&other).await;
        assert_eq!(used(&token).await, first);
    })
    .await;
}

#[tokio::test]
async fn a_limit_must_let_something_through() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &[]).await;
        for (limit, field) in [
            (json!({ "requests": 0, "seconds": 60 }), "rateLimit.requests"),
            (json!({ "requests": 1_000_001, "seconds": 60 }), "rateLimit.requests"),
            (json!({ "requests": 1, "seconds": 0 }), "rateLimit.seconds"),
            (json!({ "requests": 1, "seconds": 86_401 }), "rateLimit.seconds"),
            (json!({ "requests": 1, "seconds": 1, "burst": 1 }), "rateLimit.burst"),
            (json!({ "requests": 1 }), "rateLimit.seconds"),
        ] {
            let create = json!({ "organizationId": organization, "rateLimit": limit });
            world.call(&alice, "tokens/create", create).await.names_field(field);
            let update = json!({ "organizationId": organization, "key": token.id, "rateLimit": limit });
            world.call(&alice, "tokens/update", update).await.names_field(field);
        }
    })
    .await;
}
