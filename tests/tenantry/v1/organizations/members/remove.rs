//! `POST /v1/organizations/members/remove`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn whoever_is_removed_is_out_at_the_next_request() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.whoami(&bob, None).await.ok();
        let remove = json!({ "organizationId": organization, "userId": "bob" });
        assert_eq!(world.call(&alice, "members/remove", remove.clone()).await.ok(), json!({ "ok": true }));
        world.call(&bob, "get", json!({ "organizationId": organization })).await.refused(404, "not_found");
        world.whoami(&bob, Some(&organization)).await.refused(404, "not_found");
        assert_eq!(world.call(&bob, "list", json!({})).await.ok()["organizations"], json!([]));
        // Again changes nothing, nor does a stranger.
        world.call(&alice, "members/remove", remove).await.ok();
        let stranger = json!({ "organizationId": organization, "userId": "stranger" });
        world.call(&alice, "members/remove", stranger).await.ok();
        // Who was removed can be invited anew.
        let invite = json!({ "organizationId": organization, "email": bob.email() });
        world.call(&alice, "invitations/create", invite).await.ok();
    })
    .await;
}

#[tokio::test]
async fn only_an_owner_removes_an_owner_and_never_the_last() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let remove = |user: &str| json!({ "organizationId": organization, "userId": user });
        world.call(&bob, "members/remove", remove("alice")).await.refused(403, "forbidden");
        world.call(&alice, "members/remove", remove("alice")).await.refused(409, "last_owner");
        world.join(&alice, &organization, &carol, "owner").await;
        world.call(&carol, "members/remove", remove("alice")).await.ok();
        let shown = world.call(&carol, "get", json!({ "organizationId": organization })).await.ok();
        assert_eq!(shown["organization"]["owner"], "carol");
    })
    .await;
}
