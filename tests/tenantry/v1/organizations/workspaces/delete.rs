//! `POST /v1/organizations/workspaces/delete`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn nobody_is_assigned_to_it_any_more_and_its_name_is_free() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "member").await;
        let mut ids = Vec::new();
        for name in ["North", "South"] {
            let input = json!({ "organizationId": organization, "name": name });
            ids.push(world.call(&alice, "workspaces/create", input).await.ok()["workspace"]["id"].clone());
        }
        let assign = json!({ "organizationId": organization, "userId": "bob", "workspaces": ids });
        world.call(&alice, "members/update", assign.clone()).await.ok();
        let delete = json!({ "organizationId": organization, "id": ids[0] });
        assert_eq!(world.call(&alice, "workspaces/delete", delete.clone()).await.ok(), json!({ "ok": true }));
        let one = json!({ "organizationId": organization, "userId": "bob" });
        let shown = world.call(&alice, "members/get", one.clone()).await.ok();
        assert_eq!(shown["member"]["workspaces"], json!([ids[1]]));
        let listed = world.call(&alice, "members/list", json!({ "organizationId": organization })).await.ok();
        let workspaces: Vec<_> = listed["members"].as_array().unwrap().iter().map(|one| &one["workspaces"]).collect();
        assert_eq!(workspaces, [&json!([]), &json!([ids[1]])]);
        let updated = world.call(&alice, "members/update", one).await.ok();
        assert_eq!(updated["member"]["workspaces"], json!([ids[1]]));

        world.call(&alice, "workspaces/delete", delete).await.refused(404, "not_found");
        world.call(&alice, "members/update", assign).await.refused(404, "not_found");
        let again = json!({ "organizationId": organization, "name": "north" });
        let again = world.call(&alice, "workspaces/create", again).await.ok();
        assert_ne!(again["workspace"]["id"], ids[0]);
        let listed = world.call(&alice, "workspaces/list", json!({ "organizationId": organization })).await.ok();
        let names: Vec<_> = listed["workspaces"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, ["South", "north"].map(Value::from));
    })
    .await;
}

#[tokio::test]
async fn one_of_another_organization_stays() {
    on_every_store(async |world| {
        let [alice, carol, dave] = ["alice", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let north = json!({ "organizationId": organization, "name": "North" });
        let north = world.call(&alice, "workspaces/create", north).await.ok();
        let elsewhere = world.organization(&dave).await;
        let delete = |organization: &str| json!({ "organizationId": organization, "id": north["workspace"]["id"] });
        world.call(&dave, "workspaces/delete", delete(&elsewhere)).await.refused(404, "not_found");
        world.call(&dave, "workspaces/delete", delete(&organization)).await.refused(404, "not_found");
        world.call(&carol, "workspaces/delete", delete(&organization)).await.refused(403, "forbidden");
        let listed = world.call(&alice, "workspaces/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["workspaces"], json!([north["workspace"]]));
    })
    .await;
}
