//! `POST /v1/organizations/join-codes/list`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn newest_first_with_the_revoked_ones() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(world.call(&alice, "join-codes/create", here.clone()).await.ok()["joinCode"]["id"].clone());
        }
        ids.reverse();
        let revoke = json!({ "organizationId": organization, "id": ids[0] });
        world.call(&alice, "join-codes/revoke", revoke).await.ok();
        let first = json!({ "organizationId": organization, "limit": 2 });
        let first = world.call(&alice, "join-codes/list", first).await.ok();
        let rest = json!({ "organizationId": organization, "cursor": first["nextCursor"] });
        let rest = world.call(&alice, "join-codes/list", rest).await.ok();
        let codes = [first["joinCodes"].as_array().unwrap().as_slice(), rest["joinCodes"].as_array().unwrap()].concat();
        assert_eq!(codes.iter().map(|code| code["id"].clone()).collect::<Vec<_>>(), ids);
        assert!(codes[0]["revokedAt"].is_string() && codes[1]["revokedAt"].is_null());
    })
    .await;
}
