//! `POST /v1/organizations/workspaces/create`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_workspace_has_a_name_of_its_own_in_its_organization() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let named = |name: &str| json!({ "organizationId": organization, "name": name });
        let created = world.call(&alice, "workspaces/create", named("  Zürich  ")).await.ok();
        let workspace = &created["workspace"];
        assert_eq!((&workspace["name"], &workspace["number"]), (&json!("Zürich"), &json!(1)));
        assert_eq!(workspace["organizationId"], json!(organization));
        assert_eq!(workspace["createdAt"], workspace["updatedAt"]);
        assert!(workspace["createdAt"].is_string() && workspace["id"].is_string());

        // However it is spelled.
        for taken in ["Zürich", "ZÜRICH", "Zu\u{308}rich", "\u{a0}zürich "] {
            world.call(&alice, "workspaces/create", named(taken)).await.refused(409, "workspace_taken");
        }
        world.call(&alice, "workspaces/create", named("Zurich")).await.ok();
        let elsewhere = world.organization(&dave).await;
        let same = json!({ "organizationId": elsewhere, "name": "Zürich" });
        world.call(&dave, "workspaces/create", same.clone()).await.ok();
        world.call(&alice, "workspaces/create", same).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_name_has_bounds_and_so_has_the_right() {
    on_every_store(async |world| {
        let [alice, carol] = ["alice", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let named = |name: &str| json!({ "organizationId": organization, "name": name });
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            world.call(&alice, "workspaces/create", named(name)).await.names_field("name");
        }
        // In the longest of all forms, too.
        let long = "\u{1f4a1}".repeat(100);
        world.call(&alice, "workspaces/create", named(&long)).await.ok();
        world.call(&alice, "workspaces/create", named(&long)).await.refused(409, "workspace_taken");
        world.call(&carol, "workspaces/create", named("Mine")).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let north = json!({ "organizationId": organization, "name": "North" });
        let first = world.call_once(&alice, "w-1", "workspaces/create", north.clone()).await.ok();
        let again = world.call_once(&alice, "w-1", "workspaces/create", north.clone()).await.ok();
        assert_eq!(first, again);
        let south = json!({ "organizationId": organization, "name": "South" });
        world.call_once(&alice, "w-1", "workspaces/create", south).await.refused(422, "idempotency_mismatch");
        world.call_once(&alice, "w-2", "workspaces/create", north).await.refused(409, "workspace_taken");
    })
    .await;
}

#[tokio::test]
async fn there_is_a_greatest_number_of_them() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let create = async |number: usize| {
            let input = json!({ "organizationId": organization, "name": format!("Workspace {number}") });
            world.call(&alice, "workspaces/create", input).await
        };
        let mut first = None;
        for tens in 0..100 {
            let made = futures_util::future::join_all((0..10).map(|one| create(10 * tens + one))).await;
            for made in made {
                first.get_or_insert(made.ok());
            }
        }
        create(1000).await.names_field("name");
        let id = &first.unwrap()["workspace"]["id"];
        world.call(&alice, "workspaces/delete", json!({ "organizationId": organization, "id": id })).await.ok();
        create(1000).await.ok();
        create(1001).await.names_field("name");
    })
    .await;
}
