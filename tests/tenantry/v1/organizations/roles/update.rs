//! `POST /v1/organizations/roles/update`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn permissions_change_for_everyone_at_once() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let define = json!({ "organizationId": organization, "role": "scribe", "permissions": ["org:view"] });
        world.call(&alice, "roles/create", define).await.ok();
        world.join(&alice, &organization, &bob, "scribe").await;
        let code = json!({ "organizationId": organization, "role": "scribe" });
        let code = world.call(&alice, "join-codes/create", code).await.ok();
        let permissions = async |actor: &Actor| {
            world.whoami(actor, Some(&organization)).await.ok()["permissions"].clone()
        };
        assert_eq!(permissions(&bob).await, json!(["org:view"]));
        let update = |permissions: &[&str]| {
            json!({ "organizationId": organization, "role": "scribe", "permissions": permissions })
        };
        let updated = world.call(&alice, "roles/update", update(&["org:view", "notes:write"])).await.ok();
        assert_eq!(updated["role"]["permissions"], json!(["org:view", "notes:write"]));
        assert_eq!(permissions(&bob).await, json!(["org:view", "notes:write"]));
        world.call(&alice, "roles/update", update(&[])).await.ok();
        assert_eq!(permissions(&bob).await, json!([]));
        // A code gives the role by its name.
        world.call(&alice, "roles/update", update(&["notes:write"])).await.ok();
        world.call(&carol, "join-codes/join", json!({ "code": code["code"] })).await.ok();
        assert_eq!(permissions(&carol).await, json!(["notes:write"]));
        // What is absent stays.
        let describe = json!({ "organizationId": organization, "role": "scribe", "description": "writes" });
        let described = world.call(&alice, "roles/update", describe).await.ok();
        assert_eq!(described["role"]["permissions"], json!(["notes:write"]));
        assert_eq!(described["role"]["description"], "writes");
    })
    .await;
}

#[tokio::test]
async fn nobody_changes_a_role_beyond_their_own_rights() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        for (role, permissions) in [("ender", ["org:delete"]), ("viewer", ["org:view"])] {
            let define = json!({ "organizationId": organization, "role": role, "permissions": permissions });
            world.call(&alice, "roles/create", define).await.ok();
        }
        let update = |role: &str, permissions: &[&str]| {
            json!({ "organizationId": organization, "role": role, "permissions": permissions })
        };
        world.call(&bob, "roles/update", update("viewer", &["org:delete"])).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "roles/update", update("ender", &[])).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "roles/update", update("viewer", &["members:view"])).await.ok();
        for unknown in ["nothing", "member", "writer"] {
            world.call(&alice, "roles/update", update(unknown, &[])).await.refused(404, "not_found");
        }
        world.call(&alice, "roles/update", update("viewer", &["cake:eat"])).await.names_field("permissions");
        let elsewhere = world.organization(&dave).await;
        let mut foreign = update("viewer", &[]);
        foreign["organizationId"] = json!(elsewhere);
        world.call(&dave, "roles/update", foreign).await.refused(404, "not_found");
    })
    .await;
}
