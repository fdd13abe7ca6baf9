//! `POST /v1/organizations/roles`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn built_in_roles_and_the_hosts_own() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let matrix = world.call(&alice, "roles", json!({})).await.ok();
        assert_eq!(matrix["roles"], json!(["owner", "admin", "writer", "recruiter", "member"]));
        assert_eq!(matrix["matrix"]["member"], json!(["org:view", "members:view"]));
        assert_eq!(matrix["matrix"]["writer"], json!(["org:view", "notes:write"]));
        assert_eq!(matrix["matrix"]["owner"], matrix["permissions"]);
        let admin = matrix["matrix"]["admin"].as_array().unwrap();
        assert!(!admin.contains(&json!("org:delete")) && admin.contains(&json!("notes:write")));

        let organization = world.organization(&alice).await;
        let input = json!({ "organizationId": organization });
        assert_eq!(world.call(&alice, "roles", input.clone()).await.ok(), matrix);
        world.call(&Actor::user("mallory"), "roles", input.clone()).await.refused(404, "not_found");
        let token = world.token(&alice, &organization, &[]).await;
        assert_eq!(world.call(&token, "roles", json!({})).await.ok(), matrix);
        world.call(&token, "roles", input).await.refused(403, "forbidden");
    })
    .await;
}
