//! `POST /v1/organizations/tokens/update`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_token_is_changed_from_the_next_request_on() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        assert_eq!(world.whoami(&token, None).await.ok()["permissions"], json!(["org:view"]));
        let update = json!({
            "organizationId": organization, "key": token.id, "name": " ci ", "permissions": ["notes:write"],
            "expiresAt": "2030-01-01T00:00:00Z",
        });
        let updated = world.call(&alice, "tokens/update", update).await.ok()["apiToken"].clone();
        assert_eq!((&updated["name"], &updated["permissions"]), (&json!("ci"), &json!(["notes:write"])));
        assert_eq!(updated["expiresAt"], "2030-01-01T00:00:00.000Z");
        assert_eq!(world.whoami(&token, None).await.ok()["permissions"], json!(["notes:write"]));
        // What is absent stays.
        let rename = json!({ "organizationId": organization, "key": token.id, "name": "" });
        let renamed = world.call(&alice, "tokens/update", rename.clone()).await.ok()["apiToken"].clone();
        assert_eq!((&renamed["name"], &renamed["permissions"]), (&json!(null), &json!(["notes:write"])));
        assert_eq!(renamed["expiresAt"], updated["expiresAt"]);

        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "key": token.id, "name": "mine" });
        world.call(&dave, "tokens/update", foreign).await.refused(404, "not_found");
        let revoke = json!({ "organizationId": organization, "key": token.id });
        world.call(&alice, "tokens/revoke", revoke).await.ok();
        world.call(&alice, "tokens/update", rename).await.refused(410, "revoked");
    })
    .await;
}

#[tokio::test]
async fn a_token_never_gets_more_than_its_changer_holds() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let strong = world.token(&alice, &organization, &["org:delete"]).await;
        let weak = world.token(&alice, &organization, &["tokens:manage"]).await;
        let update = |token: &Actor, permissions: &[&str]| {
            json!({ "organizationId": organization, "key": token.id, "permissions": permissions })
        };
        world.call(&bob, "tokens/update", update(&weak, &["org:delete"])).await.refused(403, "grant_exceeds_own");
        world.call(&weak, "tokens/update", update(&weak, &["org:view"])).await.refused(403, "grant_exceeds_own");
        let prolong = json!({
            "organizationId": organization, "key": strong.id, "expiresAt": "2030-01-01T00:00:00Z",
        });
        world.call(&bob, "tokens/update", prolong).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "tokens/update", update(&strong, &["org:view"])).await.ok();
        world.call(&alice, "tokens/update", update(&weak, &["cake:eat"])).await.names_field("permissions");
        let past = json!({ "organizationId": organization, "key": weak.id, "expiresAt": "2020-01-01T00:00:00Z" });
        world.call(&alice, "tokens/update", past).await.names_field("expiresAt");
    })
    .await;
}
