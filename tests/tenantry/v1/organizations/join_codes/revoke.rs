//! `POST /v1/organizations/join-codes/revoke`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_withdrawn_code_lets_nobody_in() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let created = world.call(&alice, "join-codes/create", here).await.ok();
        let id = &created["joinCode"]["id"];
        // Not through another organization.
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "id": id });
        world.call(&dave, "join-codes/revoke", foreign).await.refused(404, "not_found");

        let revoke = json!({ "organizationId": organization, "id": id });
        world.call(&alice, "join-codes/revoke", revoke.clone()).await.ok();
        world.call(&alice, "join-codes/revoke", revoke).await.ok();
        let join = json!({ "code": created["code"] });
        world.call(&bob, "join-codes/join", join).await.refused(410, "revoked");
    })
    .await;
}
