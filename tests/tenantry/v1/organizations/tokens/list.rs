//! `POST /v1/organizations/tokens/list`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn tokens_are_listed_without_their_secrets() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let mint = json!({ "organizationId": organization, "name": "first", "permissions": ["org:view"] });
        let minted = world.call(&alice, "tokens/create", mint).await.ok();
        world.call(&alice, "tokens/create", here.clone()).await.ok();
        let listed = world.call(&alice, "tokens/list", here.clone()).await.ok();
        let tokens = listed["apiTokens"].as_array().unwrap();
        assert_eq!(tokens.len(), 2);
        let first = &tokens[1];
        assert_eq!(first["name"], "first");
        assert_eq!(first["env"], "live");
        assert_eq!(first["permissions"], json!(["org:view"]));
        assert_eq!(first["createdBy"], json!({ "kind": "user", "id": "alice" }));
        assert_eq!(first["lastUsedAt"], json!(null));
        assert_eq!(first["lastFour"], minted["apiToken"]["lastFour"]);
        assert!(!listed.to_string().contains(minted["apiToken"]["secret"].as_str().unwrap()));

        // Once it is used, the list says so before long.
        let token = Actor::token(minted["apiToken"]["bearer"].as_str().unwrap());
        world.whoami(&token, None).await.ok();
        while world.call(&alice, "tokens/list", here.clone()).await.ok()["apiTokens"][1]["lastUsedAt"].is_null() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
