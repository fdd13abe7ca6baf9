//! `POST /v1/organizations/invitations/accept`

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn invite(world: &World, owner: &Actor, organization: &str, input: Value) -> Value {
    let mut input = input;
    input["organizationId"] = json!(organization);
    world.call(owner, "invitations/create", input).await.ok()
}

#[tokio::test]
async fn the_invited_one_accepts_once() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created =
            invite(&world, &alice, &organization, json!({ "email": "ZOE@example.com", "role": "writer" })).await;
        let accept = json!({ "token": created["token"] });
        let joined = world.call(&zoe, "invitations/accept", accept.clone()).await.ok();
        let expected =
            json!({ "organizationId": organization, "role": "writer", "alreadyMember": false, "notGranted": [] });
        assert_eq!(joined, expected);
        let again = world.call(&zoe, "invitations/accept", accept.clone()).await.ok();
        assert_eq!(again["alreadyMember"], true);
        let remove = json!({ "organizationId": organization, "userId": "zoe" });
        world.call(&alice, "members/remove", remove).await.ok();
        world.call(&zoe, "invitations/accept", accept).await.refused(410, "used");
    })
    .await;
}

#[tokio::test]
async fn the_address_must_be_the_callers_and_verified() {
    on_every_store(async |world| {
        let [alice, mallory] = ["alice", "mallory"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        let accept = json!({ "token": created["token"] });
        let refused = world.call(&mallory, "invitations/accept", accept.clone()).await;
        refused.refused(403, "email_mismatch");
        assert!(!refused.body.to_string().contains("zoe"), "the error does not tell which address was invited");
        for unverified in
            [json!({ "email_verified": false }), json!({ "email_verified": null }), json!({ "email": null })]
        {
            let zoe = Actor::with_claims("zoe", &unverified);
            world.call(&zoe, "invitations/accept", accept.clone()).await.refused(403, "email_unverified");
        }
        // By its id alone, an invitation is known only to whom it is addressed.
        let by_id = json!({ "id": created["invitation"]["id"] });
        world.call(&mallory, "invitations/accept", by_id.clone()).await.refused(404, "not_found");
        world.call(&Actor::user("zoe"), "invitations/accept", by_id).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_username_can_be_invited_too() {
    on_every_store(async |world| {
        let [alice, zoe, mallory] = ["alice", "zoe", "mallory"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, json!({ "username": "zoe" })).await;
        let accept = json!({ "token": created["token"] });
        world.call(&mallory, "invitations/accept", accept).await.refused(403, "email_mismatch");
        let by_id = json!({ "id": created["invitation"]["id"] });
        assert_eq!(world.call(&zoe, "invitations/accept", by_id).await.ok()["role"], "member");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_none_or_unknown_is_refused() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        let token = created["token"].as_str().unwrap();
        for broken in ["", "ti_x", &token[..95], &format!("{token}0")] {
            world.call(&zoe, "invitations/accept", json!({ "token": broken })).await.names_field("token");
        }
        world.call(&zoe, "invitations/accept", json!({})).await.names_field("token");
        let both = json!({ "token": token, "id": created["invitation"]["id"] });
        world.call(&zoe, "invitations/accept", both).await.names_field("id");
        let unknown = json!({ "id": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" });
        world.call(&zoe, "invitations/accept", unknown).await.refused(404, "not_found");
        let machine = world.token(&alice, &organization, &["org:view"]).await;
        world.call(&machine, "invitations/accept", json!({ "token": token })).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_that_waited_too_long_is_expired_and_makes_way() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(|name| Actor::with_claims(name, &json!({ "exp": 4_000_000_000_u64 })));
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        world.clock.advance(Duration::from_secs(7 * 24 * 3600));
        let accept = json!({ "token": created["token"] });
        world.call(&zoe, "invitations/accept", accept.clone()).await.refused(410, "expired");
        let here = json!({ "organizationId": organization });
        let listed = world.call(&alice, "invitations/list", here).await.ok();
        assert_eq!(listed["invitations"][0]["status"], "expired");
        let another = invite(&world, &alice, &organization, json!({ "email": "zoe@example.com" })).await;
        world.call(&zoe, "invitations/accept", accept).await.refused(410, "expired");
        world.call(&zoe, "invitations/accept", json!({ "token": another["token"] })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_accepts() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, json!({ "email": "team@example.com" })).await;
        let tries = (0..8).map(async |n| {
            let user = Actor::with_claims(&format!("user-{n}"), &json!({ "email": "team@example.com" }));
            world.call(&user, "invitations/accept", json!({ "token": created["token"] })).await
        });
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
        answers.iter().filter(|answer| !answer.status.is_success()).for_each(|answer| answer.refused(410, "used"));
    })
    .await;
}
