//! `POST /v1/organizations/accounts/forget`

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// An organization whose last owner's account was deleted, and `bob`, its admin.
async fn ownerless(world: &World, bob: &Actor) -> String {
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    world.join(&alice, &organization, bob, "admin").await;
    let forgotten = world.call(&Actor::platform_admin(), "accounts/forget", json!({ "userId": "alice" })).await.ok();
    assert_eq!(forgotten, json!({ "removedFrom": 1, "more": false }));
    organization
}

#[tokio::test]
async fn whoever_is_forgotten_is_out_everywhere_and_comes_back_as_anybody() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let root = Actor::platform_admin();
        let own = world.organization(&alice).await;
        world.join(&alice, &own, &bob, "admin").await;
        let other = world.organization(&bob).await;
        world.join(&bob, &other, &alice, "admin").await;
        for organization in [&own, &other] {
            world.whoami(&alice, Some(organization)).await.ok();
        }
        let forget = json!({ "userId": "alice" });
        world.call(&bob, "accounts/forget", forget.clone()).await.refused(403, "forbidden");
        let forgotten = world.call(&root, "accounts/forget", forget.clone()).await.ok();
        assert_eq!(forgotten, json!({ "removedFrom": 2, "more": false }));
        assert_eq!(world.call(&root, "accounts/forget", forget).await.ok()["removedFrom"], 0);
        for organization in [&own, &other] {
            world.whoami(&alice, Some(organization)).await.refused(404, "not_found");
            let members = world.call(&bob, "members/list", json!({ "organizationId": organization })).await.ok();
            assert_eq!(members["members"].as_array().map(Vec::len), Some(1));
        }
        assert_eq!(world.call(&alice, "list", json!({})).await.ok()["organizations"], json!([]));
        // Whoever gets the same user id later gets nothing with it.
        world.join(&bob, &other, &alice, "member").await;
        assert_eq!(world.whoami(&alice, Some(&other)).await.ok()["role"], "member");
        world.whoami(&alice, Some(&own)).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_platform_admin_acts_as_the_owner_until_there_is_one() {
    on_every_store(async |world| {
        let (bob, root) = (Actor::user("bob"), Actor::platform_admin());
        let organization = ownerless(&world, &bob).await;
        let promote = json!({ "organizationId": organization, "userId": "bob", "role": "owner" });
        let here = json!({ "organizationId": organization });
        let shown = world.call(&bob, "get", here.clone()).await.ok();
        assert_eq!(shown["organization"]["owner"], Value::Null);
        world.call(&bob, "members/set-role", promote.clone()).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "delete", here.clone()).await.refused(403, "forbidden");
        assert_eq!(world.whoami(&root, Some(&organization)).await.ok()["role"], "owner");
        world.call(&root, "members/set-role", promote).await.ok();
        assert_eq!(world.whoami(&bob, Some(&organization)).await.ok()["role"], "owner");
        assert_eq!(world.call(&bob, "get", here.clone()).await.ok()["organization"]["owner"], "bob");
        world.whoami(&root, Some(&organization)).await.refused(403, "forbidden");
        world.call(&root, "get", here).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn an_owner_is_assigned_by_transfer_or_by_invitation_or_the_organization_is_deleted() {
    on_every_store(async |world| {
        let (bob, zoe, root) = (Actor::user("bob"), Actor::user("zoe"), Actor::platform_admin());
        let organization = ownerless(&world, &bob).await;
        let transfer = json!({ "organizationId": organization, "userId": "bob" });
        world.call(&root, "transfer-ownership", transfer).await.ok();
        assert_eq!(world.whoami(&bob, Some(&organization)).await.ok()["role"], "owner");

        // Nobody at all is left there.
        world.call(&root, "accounts/forget", json!({ "userId": "bob" })).await.ok();
        let invite = json!({ "organizationId": organization, "email": zoe.email(), "role": "owner" });
        let invited = world.call(&root, "invitations/create", invite).await.ok();
        world.call(&zoe, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        let shown = world.call(&zoe, "get", json!({ "organizationId": organization })).await.ok();
        assert_eq!(shown["organization"]["owner"], "zoe");

        world.call(&root, "delete", json!({ "organizationId": organization })).await.refused(403, "forbidden");
        world.call(&root, "accounts/forget", json!({ "userId": "zoe" })).await.ok();
        world.call(&root, "delete", json!({ "organizationId": organization })).await.ok();
        world.call(&root, "get", json!({ "organizationId": organization })).await.refused(404, "not_found");
    })
    .await;
}
