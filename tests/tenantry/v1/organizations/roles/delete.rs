//! `POST /v1/organizations/roles/delete`

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn define(world: &World, owner: &Actor, organization: &str, role: &str, permissions: &[&str]) {
    let input = json!({ "organizationId": organization, "role": role, "permissions": permissions });
    world.call(owner, "roles/create", input).await.ok();
}

#[tokio::test]
async fn one_that_is_in_use_stays_unless_another_takes_its_place() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        define(&world, &alice, &organization, "old", &["org:view", "notes:write"]).await;
        define(&world, &alice, &organization, "new", &["members:view"]).await;
        define(&world, &alice, &organization, "newest", &["audit:view"]).await;
        world.join(&alice, &organization, &bob, "old").await;
        let invite = json!({ "organizationId": organization, "email": "carol@example.com", "role": "old" });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        let delete = |role: &str, replacement: Value| {
            json!({ "organizationId": organization, "role": role, "replacement": replacement })
        };
        // Bob, the code that he came by, and the invitation.
        let refused = world.call(&alice, "roles/delete", delete("old", json!(null))).await;
        refused.refused(409, "role_in_use");
        assert!(refused.body["detail"].as_str().unwrap().starts_with("3 "), "{}", refused.body);
        for wrong in ["old", "owner", "nothing"] {
            world.call(&alice, "roles/delete", delete("old", json!(wrong))).await.names_field("replacement");
        }
        world.whoami(&bob, Some(&organization)).await.ok();
        world.call(&alice, "roles/delete", delete("old", json!("new"))).await.ok();
        let role_and_permissions = async |actor: &Actor| {
            let who = world.whoami(actor, Some(&organization)).await.ok();
            (who["role"].clone(), who["permissions"].clone())
        };
        assert_eq!(role_and_permissions(&bob).await, (json!("new"), json!(["members:view"])));
        let matrix = world.call(&alice, "roles", json!({ "organizationId": organization })).await.ok();
        assert!(!matrix["roles"].as_array().unwrap().contains(&json!("old")));
        // It cannot be given any more, nor its name be used while somebody bears it.
        let give = json!({ "organizationId": organization, "userId": "bob", "role": "old" });
        world.call(&alice, "members/set-role", give).await.names_field("role");
        let again = json!({ "organizationId": organization, "role": "old", "permissions": [] });
        world.call(&alice, "roles/create", again.clone()).await.refused(409, "role_taken");
        // Whoever has the replacement by way of another name has it in use, and goes along with it.
        world.call(&alice, "roles/delete", delete("new", json!(null))).await.refused(409, "role_in_use");
        world.call(&alice, "roles/delete", delete("new", json!("newest"))).await.ok();
        assert_eq!(role_and_permissions(&bob).await, (json!("newest"), json!(["audit:view"])));
        let carol = Actor::user("carol");
        let accepted = world.call(&carol, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        assert_eq!(accepted["role"], "newest");
        assert_eq!(role_and_permissions(&carol).await, (json!("newest"), json!(["audit:view"])));

        // Once nobody bears the name any more, it is free.
        for user in ["bob", "carol"] {
            let set = json!({ "organizationId": organization, "userId": user, "role": "member" });
            world.call(&alice, "members/set-role", set).await.ok();
        }
        let codes = world.call(&alice, "join-codes/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(codes["joinCodes"][0]["role"], "newest");
        let revoke = json!({ "organizationId": organization, "id": codes["joinCodes"][0]["id"] });
        world.call(&alice, "join-codes/revoke", revoke).await.ok();
        world.call(&alice, "roles/create", again).await.ok();
        world.call(&alice, "roles/delete", delete("newest", json!(null))).await.ok();
        world.call(&alice, "roles/delete", delete("newest", json!(null))).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn whatever_ends_a_members_role_is_counted() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        for end in ["members/set-role", "members/remove", "transfer-ownership", "leave"] {
            let organization = world.organization(&alice).await;
            define(&world, &alice, &organization, "helper", &["org:view"]).await;
            world.join(&alice, &organization, &bob, "member").await;
            let give = json!({ "organizationId": organization, "userId": "bob", "role": "helper" });
            world.call(&alice, "members/set-role", give.clone()).await.ok();
            let delete = json!({ "organizationId": organization, "role": "helper" });
            world.call(&alice, "roles/delete", delete.clone()).await.refused(409, "role_in_use");
            match end {
                "members/set-role" => {
                    let set = json!({ "organizationId": organization, "userId": "bob", "role": "member" });
                    world.call(&alice, end, set).await.ok();
                }
                "leave" => {
                    world.call(&bob, end, json!({ "organizationId": organization })).await.ok();
                }
                _ => {
                    world.call(&alice, end, json!({ "organizationId": organization, "userId": "bob" })).await.ok();
                }
            }
            let manager = if end == "transfer-ownership" { &bob } else { &alice };
            world.call(manager, "roles/delete", delete).await.ok();
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_deletes_or_replaces_beyond_their_own_rights() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        define(&world, &alice, &organization, "ender", &["org:delete"]).await;
        define(&world, &alice, &organization, "viewer", &["org:view"]).await;
        let delete = |role: &str, replacement: Value| {
            json!({ "organizationId": organization, "role": role, "replacement": replacement })
        };
        let attempts = [delete("ender", json!(null)), delete("viewer", json!("ender"))];
        for attempt in attempts {
            world.call(&bob, "roles/delete", attempt).await.refused(403, "grant_exceeds_own");
        }
        for unknown in ["nothing", "member", "writer"] {
            world.call(&alice, "roles/delete", delete(unknown, json!(null))).await.refused(404, "not_found");
        }
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "role": "viewer" });
        world.call(&dave, "roles/delete", foreign).await.refused(404, "not_found");
        world.call(&bob, "roles/delete", delete("viewer", json!(null))).await.ok();
    })
    .await;
}
