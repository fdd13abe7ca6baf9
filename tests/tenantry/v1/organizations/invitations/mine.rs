//! `POST /v1/organizations/invitations/mine`

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

const LATER: u64 = 4_000_000_000;

async fn invite(world: &World, owner: &Actor, organization: &str, whom: Value) -> Value {
    let mut input = whom;
    input["organizationId"] = json!(organization);
    // Within a millisecond there is no newer one.
    world.clock.advance(Duration::from_millis(1));
    world.call(owner, "invitations/create", input).await.ok()["invitation"].clone()
}

/// The ids of all pages, of which none is longer than two.
async fn mine(world: &World, user: &Actor) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let input = json!({ "limit": 2, "cursor": cursor });
        let answer = world.call(user, "invitations/mine", input).await.ok();
        let page = answer["invitations"].as_array().unwrap();
        assert!(page.len() <= 2);
        found.extend(page.iter().map(|invitation| invitation["id"].clone()));
        cursor = answer["nextCursor"].clone();
        if cursor.is_null() {
            return found;
        }
    }
}

#[tokio::test]
async fn what_waits_for_the_caller_is_listed_over_all_organizations() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let mut expected = Vec::new();
        let mut organizations = Vec::new();
        for n in 0..5 {
            let organization = world.organization(&alice).await;
            let email = if n % 2 == 0 { "ZOE@example.com" } else { "zoe@Example.COM" };
            expected.insert(0, invite(&world, &alice, &organization, json!({ "email": email })).await);
            invite(&world, &alice, &organization, json!({ "email": "somebody@example.com" })).await;
            organizations.push(organization);
        }
        for organization in &organizations[..2] {
            let invitation = invite(&world, &alice, organization, json!({ "username": "zoe" })).await;
            expected.insert(5, invitation);
        }
        let ids: Vec<_> = expected.iter().map(|invitation| invitation["id"].clone()).collect();
        assert_eq!(mine(&world, &zoe).await, ids, "by e-mail, then by username, each newest first");
        let whole = world.call(&zoe, "invitations/mine", json!({})).await.ok();
        assert_eq!(whole["invitations"], json!(expected));
        assert!(!whole.to_string().contains("ti_"), "a list shows no token");

        world.call(&zoe, "invitations/accept", json!({ "id": ids[0] })).await.ok();
        world.call(&zoe, "invitations/decline", json!({ "id": ids[1] })).await.ok();
        let revoke = json!({ "organizationId": organizations[2], "id": ids[2] });
        world.call(&alice, "invitations/revoke", revoke).await.ok();
        assert_eq!(mine(&world, &zoe).await, ids[3..]);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_the_callers_and_verified_is_listed() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invitation = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        let none: Vec<Value> = Vec::new();
        assert_eq!(mine(&world, &Actor::user("mallory")).await, none);
        assert_eq!(mine(&world, &Actor::with_claims("zoe", &json!({ "email_verified": false }))).await, none);
        assert_eq!(mine(&world, &Actor::with_claims("zoe", &json!({ "email": null }))).await, none);
        let elsewhere = Actor::with_claims("yan", &json!({ "email": "zoe@example.com" }));
        assert_eq!(mine(&world, &elsewhere).await, [invitation["id"].clone()]);
        let machine = world.token(&alice, &organization, &["org:view"]).await;
        world.call(&machine, "invitations/mine", json!({})).await.refused(403, "forbidden");
        world.call(&elsewhere, "invitations/mine", json!({ "cursor": "m1" })).await.names_field("cursor");
        world.call(&elsewhere, "invitations/mine", json!({ "limit": 0 })).await.names_field("limit");
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_waits_no_more_until_it_is_resent() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(|name| Actor::with_claims(name, &json!({ "exp": LATER })));
        let organization = world.organization(&alice).await;
        let invitation = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        world.clock.advance(Duration::from_secs(7 * 24 * 3600));
        let none: Vec<Value> = Vec::new();
        assert_eq!(mine(&world, &zoe).await, none);
        let resend = json!({ "organizationId": organization, "id": invitation["id"] });
        world.call(&alice, "invitations/resend", resend).await.ok();
        assert_eq!(mine(&world, &zoe).await, [invitation["id"].clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_suspended_organization_is_left_out_until_it_is_back() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invitation = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        let set_status = async |status: &str| {
            let input = json!({ "organizationId": organization, "status": status });
            world.call(&Actor::platform_admin(), "set-status", input).await.ok();
        };
        set_status("suspended").await;
        let none: Vec<Value> = Vec::new();
        assert_eq!(mine(&world, &zoe).await, none);
        let decline = json!({ "id": invitation["id"] });
        world.call(&zoe, "invitations/decline", decline).await.refused(403, "organization_suspended");
        set_status("active").await;
        assert_eq!(mine(&world, &zoe).await, [invitation["id"].clone()]);
    })
    .await;
}
