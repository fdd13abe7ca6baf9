//! `POST /v1/organizations/workspaces/update`

use std::time::Duration;

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_new_name_frees_the_former() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let named = |name: &str| json!({ "organizationId": organization, "name": name });
        let north = world.call(&alice, "workspaces/create", named("North")).await.ok();
        world.call(&alice, "workspaces/create", named("South")).await.ok();
        let id = &north["workspace"]["id"];
        let rename = |name: &str| json!({ "organizationId": organization, "id": id, "name": name });
        world.call(&alice, "workspaces/update", rename("SOUTH")).await.refused(409, "workspace_taken");
        world.call(&alice, "workspaces/update", rename(" ")).await.names_field("name");

        world.clock.advance(Duration::from_secs(60));
        assert_eq!(world.call(&alice, "workspaces/update", rename("North")).await.ok(), north, "nothing changed");
        // Its own name in another spelling is its own.
        let louder = world.call(&alice, "workspaces/update", rename(" NORTH ")).await.ok();
        assert_eq!((&louder["workspace"]["name"], &louder["workspace"]["number"]), (&json!("NORTH"), &json!(1)));
        assert_eq!(louder["workspace"]["createdAt"], north["workspace"]["createdAt"]);
        assert_ne!(louder["workspace"]["updatedAt"], north["workspace"]["updatedAt"]);
        world.call(&alice, "workspaces/create", named("north")).await.refused(409, "workspace_taken");
        world.call(&alice, "workspaces/update", rename("East")).await.ok();
        world.call(&alice, "workspaces/create", named("north")).await.ok();
        world.call(&alice, "workspaces/create", named("east")).await.refused(409, "workspace_taken");
    })
    .await;
}

#[tokio::test]
async fn one_of_another_organization_is_not_there() {
    on_every_store(async |world| {
        let [alice, carol, dave] = ["alice", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let north = json!({ "organizationId": organization, "name": "North" });
        let north = world.call(&alice, "workspaces/create", north).await.ok();
        let id = &north["workspace"]["id"];
        let elsewhere = world.organization(&dave).await;
        let rename = |organization: &str| json!({ "organizationId": organization, "id": id, "name": "Mine" });
        world.call(&dave, "workspaces/update", rename(&elsewhere)).await.refused(404, "not_found");
        world.call(&dave, "workspaces/update", rename(&organization)).await.refused(404, "not_found");
        world.call(&carol, "workspaces/update", rename(&organization)).await.refused(403, "forbidden");
        let listed = world.call(&alice, "workspaces/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["workspaces"], json!([north["workspace"]]));
    })
    .await;
}
