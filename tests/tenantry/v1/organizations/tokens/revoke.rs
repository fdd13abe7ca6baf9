//! `POST /v1/organizations/tokens/revoke`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_revoked_token_is_refused_at_the_next_request() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        world.whoami(&token, None).await.ok();
        // Not through another organization.
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "key": token.id });
        world.call(&dave, "tokens/revoke", foreign).await.refused(404, "not_found");

        let revoke = json!({ "organizationId": organization, "key": token.id });
        world.call(&alice, "tokens/revoke", revoke.clone()).await.ok();
        world.call(&token, "get", json!({ "organizationId": organization })).await.refused(401, "invalid_token");
        world.call(&alice, "tokens/revoke", revoke).await.ok();
        let listed = world.call(&alice, "tokens/list", json!({ "organizationId": organization })).await.ok();
        assert!(listed["apiTokens"][0]["revokedAt"].is_string());
        let malformed = json!({ "organizationId": organization, "key": "tk_live_" });
        world.call(&alice, "tokens/revoke", malformed).await.names_field("key");
    })
    .await;
}
