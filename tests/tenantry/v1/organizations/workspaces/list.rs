//! `POST /v1/organizations/workspaces/list`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn oldest_first_page_by_page() {
    on_every_store(async |world| {
        let [alice, carol, dave] = ["alice", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let here = json!({ "organizationId": organization });
        let empty = json!({ "workspaces": [], "nextCursor": null });
        assert_eq!(world.call(&carol, "workspaces/list", here.clone()).await.ok(), empty);
        let mut created = Vec::new();
        for name in ["north", "south", "east", "west", "centre"] {
            let input = json!({ "organizationId": organization, "name": name });
            created.push(world.call(&alice, "workspaces/create", input).await.ok()["workspace"].clone());
        }
        let page = async |limit: u32, cursor: &Value| {
            let input = json!({ "organizationId": organization, "limit": limit, "cursor": cursor });
            world.call(&carol, "workspaces/list", input).await.ok()
        };
        assert_eq!(page(50, &Value::Null).await["workspaces"], json!(created));
        let first = page(2, &Value::Null).await;
        assert_eq!(first["workspaces"], json!(created[..2]));
        // What is deleted and made meanwhile moves nothing.
        let gone = json!({ "organizationId": organization, "id": created[1]["id"] });
        world.call(&alice, "workspaces/delete", gone).await.ok();
        let late = json!({ "organizationId": organization, "name": "South" });
        let late = world.call(&alice, "workspaces/create", late).await.ok();
        assert_eq!(late["workspace"]["number"], 6, "a number is never given twice");
        let rest = page(50, &first["nextCursor"]).await;
        created.push(late["workspace"].clone());
        assert_eq!((&rest["workspaces"], &rest["nextCursor"]), (&json!(created[2..]), &Value::Null));

        let wrong = json!({ "organizationId": organization, "cursor": "m1" });
        world.call(&carol, "workspaces/list", wrong).await.names_field("cursor");
        let wrong = json!({ "organizationId": organization, "limit": 201 });
        world.call(&carol, "workspaces/list", wrong).await.names_field("limit");
        world.call(&dave, "workspaces/list", here).await.refused(404, "not_found");
    })
    .await;
}
