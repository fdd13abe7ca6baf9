//! `POST /v1/organizations/members/get`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_member_is_shown_as_the_list_shows_them() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "writer").await;
        let listed = world.call(&alice, "members/list", json!({ "organizationId": organization })).await.ok();
        for (place, user) in ["alice", "bob"].into_iter().enumerate() {
            let get = json!({ "organizationId": organization, "userId": user });
            let shown = world.call(&alice, "members/get", get).await.ok()["member"].clone();
            assert_eq!(shown, listed["members"][place]);
            assert_eq!((&shown["userId"], &shown["number"]), (&json!(user), &json!(place + 1)));
        }
        let stranger = json!({ "organizationId": organization, "userId": "dave" });
        world.call(&alice, "members/get", stranger).await.refused(404, "not_found");
        // Bob is no member of Dave's.
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "userId": "bob" });
        world.call(&dave, "members/get", foreign.clone()).await.refused(404, "not_found");
        world.call(&alice, "members/get", foreign).await.refused(404, "not_found");
    })
    .await;
}
