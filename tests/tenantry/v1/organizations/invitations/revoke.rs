//! `POST /v1/organizations/invitations/revoke`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_withdrawn_invitation_cannot_be_accepted_and_another_can_be_made() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invite = json!({ "organizationId": organization, "email": zoe.email() });
        let created = world.call(&alice, "invitations/create", invite.clone()).await.ok();
        let revoke = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
        world.call(&alice, "invitations/revoke", revoke.clone()).await.ok();
        world.call(&alice, "invitations/revoke", revoke).await.ok();
        let accept = json!({ "token": created["token"] });
        world.call(&zoe, "invitations/accept", accept).await.refused(410, "revoked");
        // Whoever it was for is told the same when they name it by its id; to anybody else there is none.
        let accept = json!({ "id": created["invitation"]["id"] });
        world.call(&zoe, "invitations/accept", accept.clone()).await.refused(410, "revoked");
        world.call(&Actor::user("yan"), "invitations/accept", accept).await.refused(404, "not_found");
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"], json!([]));
        let again = world.call(&alice, "invitations/create", invite).await.ok();
        world.call(&zoe, "invitations/accept", json!({ "token": again["token"] })).await.ok();
        let revoke = json!({ "organizationId": organization, "id": again["invitation"]["id"] });
        world.call(&alice, "invitations/revoke", revoke).await.refused(410, "used");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_of_another_organization_is_not_there() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let elsewhere = world.organization(&dave).await;
        let invite = json!({ "organizationId": organization, "email": "z@example.com" });
        let created = world.call(&alice, "invitations/create", invite).await.ok();
        let revoke = json!({ "organizationId": elsewhere, "id": created["invitation"]["id"] });
        world.call(&dave, "invitations/revoke", revoke).await.refused(404, "not_found");
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"].as_array().map(Vec::len), Some(1));
    })
    .await;
}
