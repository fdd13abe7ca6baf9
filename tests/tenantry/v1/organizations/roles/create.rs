//! `POST /v1/organizations/roles/create`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_role_of_the_organizations_own_can_be_given_there_and_nowhere_else() {
    on_every_store(async |world| {
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let define = |role: &str| {
            json!({
                "organizationId": organization, "role": role, "permissions": ["org:view", "members:manage"],
                "description": "hires",
            })
        };
        let defined = world.call(&alice, "roles/create", define("hirer")).await.ok();
        let hirer = json!({
            "role": "hirer", "number": 1, "permissions": ["org:view", "members:manage"], "description": "hires",
        });
        assert_eq!(defined["role"], hirer);
        world.call(&alice, "roles/create", define("second")).await.ok();
        let matrix = world.call(&alice, "roles", here.clone()).await.ok();
        let ranked = ["owner", "admin", "writer", "recruiter", "hirer", "second", "member"];
        assert_eq!(matrix["roles"], json!(ranked));
        assert_eq!(matrix["matrix"]["hirer"], hirer["permissions"]);
        assert_eq!(matrix["own"][0], hirer);

        // Whoever has it may do what it permits, at once, and is shown to have it.
        world.join(&alice, &organization, &bob, "hirer").await;
        world.call(&bob, "join-codes/create", here.clone()).await.refused(403, "grant_exceeds_own");
        let who = world.whoami(&bob, Some(&organization)).await.ok();
        assert_eq!((&who["role"], &who["permissions"]), (&json!("hirer"), &hirer["permissions"]));
        assert_eq!(world.call(&bob, "list", json!({})).await.ok()["organizations"][0]["role"], "hirer");

        // Another organization has no such role.
        let elsewhere = world.organization(&dave).await;
        let give = json!({ "organizationId": elsewhere, "role": "hirer" });
        world.call(&dave, "join-codes/create", give).await.names_field("role");
        let mut foreign = define("third");
        foreign["organizationId"] = json!(elsewhere);
        world.call(&alice, "roles/create", foreign).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_role_never_permits_more_than_its_maker_holds() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let define = |role: &str, permissions: &[&str]| {
            json!({ "organizationId": organization, "role": role, "permissions": permissions })
        };
        world.call(&bob, "roles/create", define("ender", &["org:delete"])).await.refused(403, "grant_exceeds_own");
        world.call(&alice, "roles/create", define("ender", &["org:delete"])).await.ok();
        let machine = world.token(&alice, &organization, &["org:manage"]).await;
        world.call(&machine, "roles/create", define("viewer", &["org:view"])).await.refused(403, "grant_exceeds_own");
        world.call(&machine, "roles/create", define("minter", &["tokens:manage"])).await.ok();
        let give = |role: &str| json!({ "organizationId": organization, "role": role });
        world.call(&bob, "join-codes/create", give("ender")).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "join-codes/create", give("minter")).await.ok();
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_permissions_known_and_roles_few() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let define = |role: &str, permissions: &[&str]| {
            json!({ "organizationId": organization, "role": role, "permissions": permissions })
        };
        for taken in ["owner", "admin", "member", "writer"] {
            world.call(&alice, "roles/create", define(taken, &[])).await.refused(409, "role_taken");
        }
        world.call(&alice, "roles/create", define("role-0", &[])).await.ok();
        world.call(&alice, "roles/create", define("role-0", &[])).await.refused(409, "role_taken");
        world.call(&alice, "roles/create", define("x", &["cake:eat"])).await.names_field("permissions");
        world.call(&alice, "roles/create", define("No Name", &[])).await.names_field("role");
        let mut wordy = define("wordy", &[]);
        wordy["description"] = json!("d".repeat(501));
        world.call(&alice, "roles/create", wordy).await.names_field("description");
        for number in 1..50 {
            world.call(&alice, "roles/create", define(&format!("role-{number}"), &[])).await.ok();
        }
        world.call(&alice, "roles/create", define("one-more", &[])).await.names_field("role");
        let deletion = json!({ "organizationId": organization, "role": "role-7" });
        world.call(&alice, "roles/delete", deletion).await.ok();
        let created = world.call(&alice, "roles/create", define("role-7", &[])).await.ok();
        assert_eq!(created["role"]["number"], 51, "a number is never given twice");
    })
    .await;
}
