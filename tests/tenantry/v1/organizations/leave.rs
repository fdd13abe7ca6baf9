//! `POST /v1/organizations/leave`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn whoever_leaves_is_out_at_once_and_may_come_back() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        world.join(&alice, &organization, &bob, "admin").await;
        world.whoami(&bob, Some(&organization)).await.ok();
        assert_eq!(world.call(&bob, "leave", here.clone()).await.ok(), json!({ "ok": true }));
        world.whoami(&bob, Some(&organization)).await.refused(404, "not_found");
        assert_eq!(world.call(&bob, "list", json!({})).await.ok()["organizations"], json!([]));
        world.call(&bob, "leave", here.clone()).await.refused(404, "not_found");
        world.join(&alice, &organization, &bob, "member").await;
        assert_eq!(world.whoami(&bob, Some(&organization)).await.ok()["role"], "member");
        let token = world.token(&alice, &organization, &["members:manage"]).await;
        world.call(&token, "leave", here).await.refused(403, "forbidden");
        let elsewhere = json!({ "organizationId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" });
        world.call(&bob, "leave", elsewhere).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_stays() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        world.call(&alice, "leave", here.clone()).await.refused(409, "last_owner");
        world.join(&alice, &organization, &bob, "owner").await;
        world.call(&alice, "leave", here.clone()).await.ok();
        world.call(&bob, "leave", here.clone()).await.refused(409, "last_owner");
        assert_eq!(world.call(&bob, "get", here).await.ok()["organization"]["owner"], "bob");
    })
    .await;
}
