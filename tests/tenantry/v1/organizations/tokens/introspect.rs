//! `POST /v1/organizations/tokens/introspect`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn the_platform_is_told_what_a_valid_token_is_and_nothing_of_another() {
    on_every_store(async |world| {
        let (alice, root) = (Actor::user("alice"), Actor::platform_admin());
        let organization = world.organization(&alice).await;
        let mint = json!({
            "organizationId": organization, "permissions": ["org:view", "notes:write"],
            "expiresAt": "2030-01-01T00:00:00Z",
        });
        let minted = world.call(&alice, "tokens/create", mint).await.ok()["apiToken"].clone();
        let [key, bearer] = ["key", "bearer"].map(|field| minted[field].as_str().unwrap());
        let ask = json!({ "token": bearer });
        let mut told = world.call(&root, "tokens/introspect", ask.clone()).await.ok();
        assert!(told["iat"].as_i64().is_some_and(|made| made > 1_700_000_000));
        told.as_object_mut().unwrap().remove("iat");
        let expected = json!({
            "active": true, "organizationId": organization, "permissions": ["org:view", "notes:write"],
            "scope": "org:view notes:write", "exp": 1_893_456_000, "sub": key, "client_id": key,
            "token_type": "Bearer",
        });
        assert_eq!(told, expected);

        let inactive = json!({ "active": false });
        let other = if bearer.ends_with('x') { 'y' } else { 'x' };
        let wrong_secret = format!("{}{other}", &bearer[..bearer.len() - 1]);
        for unknown in ["", "x", key, &format!("{key}:"), &wrong_secret] {
            let answer = world.call(&root, "tokens/introspect", json!({ "token": unknown })).await.ok();
            assert_eq!(answer, inactive, "{unknown}");
        }
        let token = Actor::token(bearer);
        for nobody in [&alice, &token] {
            world.call(nobody, "tokens/introspect", ask.clone()).await.refused(403, "forbidden");
        }
        let suspend = json!({ "organizationId": organization, "status": "suspended" });
        world.call(&root, "set-status", suspend).await.ok();
        assert_eq!(world.call(&root, "tokens/introspect", ask.clone()).await.ok(), inactive);
        let activate = json!({ "organizationId": organization, "status": "active" });
        world.call(&root, "set-status", activate).await.ok();
        let revoke = json!({ "organizationId": organization, "key": key });
        world.call(&alice, "tokens/revoke", revoke).await.ok();
        assert_eq!(world.call(&root, "tokens/introspect", ask).await.ok(), inactive);
    })
    .await;
}
