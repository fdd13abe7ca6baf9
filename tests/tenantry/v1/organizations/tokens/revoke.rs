//! `POST /v1/organizations/tokens/revoke`, and the other end of a token: its expiry

use std::time::Duration;

use serde_json::json;
use tenantry::core::values::clock::Clock;

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

#[tokio::test]
async fn a_token_ends_when_it_was_said_to_also_where_it_is_known() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let ends = world.clock.now().after(Duration::from_secs(10)).to_string();
        let mint = json!({ "organizationId": organization, "permissions": ["org:view"], "expiresAt": ends });
        let minted = world.call(&alice, "tokens/create", mint).await.ok();
        let token = Actor::token(minted["apiToken"]["bearer"].as_str().unwrap());
        world.whoami(&token, None).await.ok();
        world.clock.advance(Duration::from_secs(10));
        world.whoami(&token, None).await.refused(401, "expired_token");
        world.call(&token, "get", json!({ "organizationId": organization })).await.refused(401, "expired_token");
    })
    .await;
}
