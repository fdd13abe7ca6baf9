//! `POST /v1/organizations/join-codes/join`

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use tenantry::core::values::clock::Clock;

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn code(world: &World, owner: &Actor, organization: &str, input: Value) -> Value {
    let mut input = input;
    input["organizationId"] = json!(organization);
    world.call(owner, "join-codes/create", input).await.ok()
}

#[tokio::test]
async fn a_code_is_read_however_it_is_typed_and_used_once_per_person() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = code(&world, &alice, &organization, json!({ "maxUses": 1, "role": "writer" })).await;
        let typed =
            created["code"].as_str().unwrap().to_lowercase().replacen('-', " – ", 1).replace('-', "\u{2011}\u{a0}");
        let join = json!({ "code": typed });
        let joined = world.call(&bob, "join-codes/join", join.clone()).await.ok();
        let expected =
            json!({ "organizationId": organization, "role": "writer", "alreadyMember": false, "notGranted": [] });
        assert_eq!(joined, expected);
        let again = world.call(&bob, "join-codes/join", join.clone()).await.ok();
        assert_eq!(
            again,
            json!({ "organizationId": organization, "role": "writer", "alreadyMember": true, "notGranted": [] })
        );
        assert_eq!(world.call(&alice, "join-codes/join", join.clone()).await.ok()["role"], "owner");
        world.call(&carol, "join-codes/join", join).await.refused(410, "exhausted");
        let listed = world.call(&alice, "join-codes/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["joinCodes"][0]["uses"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_join_at_once_by_a_code_for_five_exactly_five_join() {
    on_every_store(async |world| {
        for _ in 0..5 {
            let alice = Actor::user("alice");
            let organization = world.organization(&alice).await;
            let created = code(&world, &alice, &organization, json!({ "maxUses": 5 })).await;
            let joins = (0..20).map(async |n| {
                let user = Actor::user(&format!("user-{n}"));
                world.call(&user, "join-codes/join", json!({ "code": created["code"] })).await
            });
            let answers = join_all(joins).await;
            assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 5);
            answers.iter().filter(|a| !a.status.is_success()).for_each(|answer| answer.refused(410, "exhausted"));
            let here = json!({ "organizationId": organization });
            let members = world.call(&alice, "members/list", here.clone()).await.ok();
            assert_eq!(members["members"].as_array().map(Vec::len), Some(6));
            let codes = world.call(&alice, "join-codes/list", here).await.ok();
            assert_eq!(codes["joinCodes"][0]["uses"], 5);
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_ends_when_it_was_said_to() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(|name| Actor::with_claims(name, &json!({ "exp": 4_000_000_000_u64 })));
        let organization = world.organization(&alice).await;
        let ends = world.clock.now().after(Duration::from_secs(60)).to_string();
        let created = code(&world, &alice, &organization, json!({ "expiresAt": ends })).await;
        world.clock.advance(Duration::from_secs(60));
        let join = json!({ "code": created["code"] });
        world.call(&bob, "join-codes/join", join).await.refused(410, "expired");
    })
    .await;
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    on_every_store(async |world| {
        let mallory = Actor::user("mallory");
        world.call(&mallory, "join-codes/join", json!({ "code": "too short" })).await.names_field("code");
        for n in 0..10 {
            let guess = json!({ "code": format!("0000-0000-000{n}") });
            world.call(&mallory, "join-codes/join", guess).await.refused(404, "not_found");
        }
        let refused = world.call(&mallory, "join-codes/join", json!({ "code": "0000-0000-0000" })).await;
        refused.refused(429, "rate_limited");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!(refused.headers["ratelimit-policy"], r#""join-codes";q=10;w=60"#);
        assert_eq!(refused.headers["ratelimit"], format!(r#""join-codes";r=0;t={wait}"#));
        // It slows down nobody else, and not for long.
        world
            .call(&Actor::user("bob"), "join-codes/join", json!({ "code": "0000-0000-0000" }))
            .await
            .refused(404, "not_found");
        world.clock.advance(Duration::from_secs(60));
        world.call(&mallory, "join-codes/join", json!({ "code": "0000-0000-0000" })).await.refused(404, "not_found");
    })
    .await;
}
