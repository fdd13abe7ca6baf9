//! `POST /v1/organizations/invitations/decline`

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn invite(world: &World, owner: &Actor, organization: &str, email: &str) -> Value {
    world.call(owner, "invitations/create", json!({ "organizationId": organization, "email": email })).await.ok()
}

#[tokio::test]
async fn who_declines_can_be_invited_again_and_the_old_token_is_dead() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, "ZOE@example.com").await;
        let decline = json!({ "token": created["token"] });
        assert_eq!(world.call(&zoe, "invitations/decline", decline.clone()).await.ok(), json!({ "ok": true }));
        world.call(&zoe, "invitations/decline", decline.clone()).await.ok();
        let by_id = json!({ "id": created["invitation"]["id"] });
        world.call(&zoe, "invitations/decline", by_id.clone()).await.ok();
        world.call(&zoe, "invitations/accept", decline).await.refused(410, "revoked");
        world.call(&zoe, "invitations/accept", by_id.clone()).await.refused(410, "revoked");
        let here = json!({ "organizationId": organization });
        let listed = world.call(&alice, "invitations/list", here.clone()).await.ok();
        assert_eq!(listed["invitations"], json!([]));
        let pending = json!({ "organizationId": organization, "withInvitations": true });
        let members = world.call(&alice, "members/list", pending).await.ok();
        assert_eq!(members["members"].as_array().map(Vec::len), Some(1));

        let again = invite(&world, &alice, &organization, "zoe@example.com").await;
        let by_new_id = json!({ "id": again["invitation"]["id"] });
        world.call(&zoe, "invitations/accept", by_new_id.clone()).await.ok();
        world.call(&zoe, "invitations/decline", by_new_id).await.refused(410, "used");
        world.call(&zoe, "invitations/decline", by_id).await.ok();
    })
    .await;
}

#[tokio::test]
async fn only_whom_it_is_for_declines() {
    on_every_store(async |world| {
        let [alice, zoe, mallory] = ["alice", "zoe", "mallory"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, "zoe@example.com").await;
        let decline = json!({ "token": created["token"] });
        let by_id = json!({ "id": created["invitation"]["id"] });
        let refused = world.call(&mallory, "invitations/decline", decline.clone()).await;
        refused.refused(403, "email_mismatch");
        assert!(!refused.body.to_string().contains("zoe"));
        world.call(&mallory, "invitations/decline", by_id).await.refused(404, "not_found");
        let unverified = Actor::with_claims("zoe", &json!({ "email_verified": false }));
        world.call(&unverified, "invitations/decline", decline.clone()).await.refused(403, "email_unverified");
        let machine = world.token(&alice, &organization, &["org:view"]).await;
        world.call(&machine, "invitations/decline", decline.clone()).await.refused(403, "forbidden");
        world.call(&zoe, "invitations/decline", json!({})).await.names_field("token");
        world.call(&zoe, "invitations/decline", json!({ "token": "ti_x" })).await.names_field("token");
        // Nobody's try has ended it.
        world.call(&zoe, "invitations/accept", decline).await.ok();
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_cannot_be_declined() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(|name| Actor::with_claims(name, &json!({ "exp": 4_000_000_000_u64 })));
        let organization = world.organization(&alice).await;
        let created = invite(&world, &alice, &organization, "zoe@example.com").await;
        let revoke = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
        world.call(&alice, "invitations/revoke", revoke).await.ok();
        let decline = json!({ "token": created["token"] });
        world.call(&zoe, "invitations/decline", decline).await.refused(410, "revoked");
        let created = invite(&world, &alice, &organization, "zoe@example.com").await;
        world.clock.advance(Duration::from_secs(7 * 24 * 3600));
        let decline = json!({ "token": created["token"] });
        world.call(&zoe, "invitations/decline", decline).await.refused(410, "expired");
    })
    .await;
}
