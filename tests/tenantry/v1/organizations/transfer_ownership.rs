//! `POST /v1/organizations/transfer-ownership`

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// The role of each member, in the order of joining.
async fn roles(world: &World, viewer: &Actor, organization: &str) -> Vec<Value> {
    let listed = world.call(viewer, "members/list", json!({ "organizationId": organization })).await.ok();
    let members = listed["members"].as_array().unwrap();
    members.iter().map(|member| json!([member["userId"], member["roles"]])).collect()
}

#[tokio::test]
async fn the_target_becomes_the_owner_and_the_caller_an_admin() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "member").await;
        world.join(&alice, &organization, &carol, "owner").await;
        let to = |user: &str| json!({ "organizationId": organization, "userId": user });
        world.whoami(&bob, Some(&organization)).await.ok();
        assert_eq!(world.call(&alice, "transfer-ownership", to("alice")).await.ok(), json!({ "ok": true }));
        world.call(&alice, "transfer-ownership", to("bob")).await.ok();
        let expected = [json!(["alice", ["admin"]]), json!(["bob", ["owner"]]), json!(["carol", ["owner"]])];
        assert_eq!(roles(&world, &bob, &organization).await, expected);
        assert_eq!(world.whoami(&bob, Some(&organization)).await.ok()["role"], "owner");
        assert_eq!(world.whoami(&alice, Some(&organization)).await.ok()["role"], "admin");
        // Bob stands where Alice stood.
        let here = json!({ "organizationId": organization });
        assert_eq!(world.call(&bob, "get", here.clone()).await.ok()["organization"]["owner"], "bob");
        // To somebody who is an owner already: the caller steps down.
        world.call(&bob, "transfer-ownership", to("carol")).await.ok();
        let expected = [json!(["alice", ["admin"]]), json!(["bob", ["admin"]]), json!(["carol", ["owner"]])];
        assert_eq!(roles(&world, &carol, &organization).await, expected);
        assert_eq!(world.call(&bob, "get", here).await.ok()["organization"]["owner"], "carol");
    })
    .await;
}

#[tokio::test]
async fn only_an_owner_transfers_and_only_to_a_member() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let to = |user: &str| json!({ "organizationId": organization, "userId": user });
        let token = world.token(&alice, &organization, &["org:manage", "org:delete"]).await;
        world.call(&alice, "transfer-ownership", to("dave")).await.refused(404, "not_found");
        for (actor, status, code) in [(&bob, 403, "forbidden"), (&token, 403, "forbidden"), (&dave, 404, "not_found")] {
            world.call(actor, "transfer-ownership", to("bob")).await.refused(status, code);
        }
    })
    .await;
}
