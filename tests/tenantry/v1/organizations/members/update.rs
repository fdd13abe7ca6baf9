//! `POST /v1/organizations/members/update`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn all_roles_are_replaced_at_once() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "member").await;
        let update = |roles: &[&str]| json!({ "organizationId": organization, "userId": "bob", "roles": roles });
        let updated = world.call(&alice, "members/update", update(&["writer", "recruiter", "writer"])).await.ok();
        let member = &updated["member"];
        assert_eq!((&member["role"], &member["roles"]), (&json!("writer"), &json!(["writer", "recruiter"])));
        assert_eq!(member["number"], 2);
        let who = world.whoami(&bob, Some(&organization)).await.ok();
        assert_eq!(who["permissions"], json!(["org:view", "members:view", "members:manage", "notes:write"]));
        // What is absent stays.
        let nothing = json!({ "organizationId": organization, "userId": "bob" });
        assert_eq!(world.call(&alice, "members/update", nothing).await.ok(), updated);
        let owned = world.call(&alice, "members/update", update(&["member", "owner"])).await.ok();
        assert_eq!(owned["member"]["roles"], json!(["owner", "member"]));
        let demote = json!({ "organizationId": organization, "userId": "alice", "roles": ["admin"] });
        world.call(&bob, "members/update", demote).await.ok();
        world.call(&bob, "members/update", update(&["admin"])).await.refused(409, "last_owner");
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_and_what_is_given_must_make_sense() {
    on_every_store(async |world| {
        let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "recruiter").await;
        world.join(&alice, &organization, &carol, "member").await;
        let update =
            |user: &str, roles: &[&str]| json!({ "organizationId": organization, "userId": user, "roles": roles });
        let too_high = update("carol", &["member", "writer"]);
        world.call(&bob, "members/update", too_high).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "members/update", update("carol", &["owner"])).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "members/update", update("alice", &["member"])).await.refused(403, "forbidden");
        world.call(&bob, "members/update", update("carol", &["recruiter"])).await.ok();
        for roles in [&[][..], &["emperor"], &["member"; 17]] {
            world.call(&alice, "members/update", update("carol", roles)).await.names_field("roles");
        }
        world.call(&alice, "members/update", update("dave", &["member"])).await.refused(404, "not_found");
        let elsewhere = world.organization(&dave).await;
        let foreign = json!({ "organizationId": elsewhere, "userId": "carol", "roles": ["member"] });
        world.call(&dave, "members/update", foreign).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn the_workspaces_that_are_named_replace_those_that_were() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "recruiter").await;
        let mut ids = Vec::new();
        for name in ["North", "South"] {
            let input = json!({ "organizationId": organization, "name": name });
            ids.push(world.call(&alice, "workspaces/create", input).await.ok()["workspace"]["id"].clone());
        }
        let assign = |user: &str, workspaces: &Value| json!({ "organizationId": organization, "userId": user, "workspaces": workspaces });
        // In the order of their creation, each once.
        let all = assign("bob", &json!([ids[1], ids[0], ids[1]]));
        let updated = world.call(&bob, "members/update", all.clone()).await.ok();
        assert_eq!(updated["member"]["workspaces"], json!(ids));
        assert_eq!(updated["member"]["roles"], json!(["recruiter"]), "what is absent stays");
        assert_eq!(world.call(&alice, "members/update", all).await.ok(), updated);
        let roles = json!({ "organizationId": organization, "userId": "bob", "roles": ["recruiter", "writer"] });
        let updated = world.call(&alice, "members/update", roles).await.ok();
        assert_eq!(updated["member"]["workspaces"], json!(ids), "what is absent stays");
        let shown = world.call(&alice, "members/get", json!({ "organizationId": organization, "userId": "bob" })).await;
        assert_eq!(shown.ok(), updated);
        let fewer = world.call(&alice, "members/update", assign("bob", &json!([ids[1]]))).await.ok();
        assert_eq!(fewer["member"]["workspaces"], json!([ids[1]]));
        let listed = world.call(&bob, "members/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["members"][1]["workspaces"], json!([ids[1]]));
        // Only an owner changes an owner.
        world.call(&bob, "members/update", assign("alice", &json!(ids))).await.refused(403, "forbidden");
        let own = world.call(&alice, "members/update", assign("alice", &json!(ids))).await.ok();
        assert_eq!(own["member"]["workspaces"], json!(ids));
        // Whoever comes back begins anew.
        let remove = json!({ "organizationId": organization, "userId": "bob" });
        world.call(&alice, "members/remove", remove.clone()).await.ok();
        world.join(&alice, &organization, &bob, "member").await;
        let back = world.call(&alice, "members/get", remove).await.ok();
        assert_eq!(back["member"]["workspaces"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_workspace_of_another_organization_is_none() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let (organization, elsewhere) = (world.organization(&alice).await, world.organization(&dave).await);
        let create = async |owner: &Actor, organization: &str| {
            let input = json!({ "organizationId": organization, "name": "North" });
            world.call(owner, "workspaces/create", input).await.ok()["workspace"]["id"].clone()
        };
        let (own, foreign) = (create(&alice, &organization).await, create(&dave, &elsewhere).await);
        let assign =
            |workspaces: Value| json!({ "organizationId": organization, "userId": "alice", "workspaces": workspaces });
        let refused = world.call(&alice, "members/update", assign(json!([own, foreign]))).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.body["errors"][0]["field"], "workspaces[1]");
        let many = vec![own.clone(); 101];
        world.call(&alice, "members/update", assign(json!(many))).await.names_field("workspaces");
        world.call(&alice, "members/update", assign(json!(["north"]))).await.names_field("workspaces[0]");
        let shown = json!({ "organizationId": organization, "userId": "alice" });
        let shown = world.call(&alice, "members/get", shown).await.ok();
        assert_eq!(shown["member"]["workspaces"], json!([]), "nothing of it was done");
        world.call(&alice, "members/update", assign(json!(vec![own; 100]))).await.ok();
    })
    .await;
}
