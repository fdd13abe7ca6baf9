//! `POST /v1/organizations/set-status`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_suspended_organization_is_closed_until_it_is_active_again() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let root = Actor::platform_admin();
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let here = json!({ "organizationId": organization });
        let coded = world.call(&alice, "join-codes/create", here.clone()).await.ok();
        let invite = json!({ "organizationId": organization, "email": zoe.email() });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        world.whoami(&alice, Some(&organization)).await.ok();
        world.whoami(&token, None).await.ok();

        for status in ["suspended", "inactive"] {
            let close = json!({ "organizationId": organization, "status": status, "reason": " unpaid " });
            let closed = world.call(&root, "set-status", close).await.ok()["organization"].clone();
            assert_eq!((&closed["status"], &closed["statusReason"]), (&json!(status), &json!("unpaid")));
            world.whoami(&alice, Some(&organization)).await.refused(403, "organization_suspended");
            world.whoami(&token, None).await.refused(403, "organization_suspended");
            for actor in [&alice, &token] {
                world.call(actor, "get", here.clone()).await.refused(403, "organization_suspended");
            }
            world.call(&alice, "leave", here.clone()).await.refused(403, "organization_suspended");
            let join = world.call(&zoe, "join-codes/join", json!({ "code": coded["code"] })).await;
            join.refused(403, "organization_suspended");
            let accept = world.call(&zoe, "invitations/accept", json!({ "token": invited["token"] })).await;
            accept.refused(403, "organization_suspended");
            world.whoami(&zoe, Some(&organization)).await.refused(404, "not_found");
        }

        let open = json!({ "organizationId": organization, "status": "active", "reason": "paid" });
        let opened = world.call(&root, "set-status", open.clone()).await.ok()["organization"].clone();
        assert_eq!((&opened["status"], &opened["statusReason"]), (&json!("active"), &Value::Null));
        assert_eq!(opened["version"], 4);
        // Nothing is changed: no version is used up.
        assert_eq!(world.call(&root, "set-status", open).await.ok()["organization"]["version"], 4);
        world.whoami(&alice, Some(&organization)).await.ok();
        world.whoami(&token, None).await.ok();
        world.call(&zoe, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
    })
    .await;
}

#[tokio::test]
async fn only_the_platform_sets_it() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let root = Actor::platform_admin();
        let organization = world.organization(&alice).await;
        let roles = world.call(&alice, "roles", json!({})).await.ok();
        let all: Vec<_> = roles["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let token = world.token(&alice, &organization, &all).await;
        let set =
            |status: &str, reason: &str| json!({ "organizationId": organization, "status": status, "reason": reason });
        for actor in [&alice, &token, &Actor::user("dave")] {
            world.call(actor, "set-status", set("suspended", "")).await.refused(403, "forbidden");
        }
        let long = "ü".repeat(501);
        world.call(&root, "set-status", set("suspended", &long)).await.names_field("reason");
        world.call(&root, "set-status", set("closed", "")).await.names_field("status");
        let unknown = json!({ "organizationId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "status": "active" });
        world.call(&root, "set-status", unknown).await.refused(404, "not_found");
        world.call(&root, "set-status", set("suspended", &long[2..])).await.ok();
    })
    .await;
}
