//! `POST /v1/organizations/update`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn what_is_given_is_changed_and_the_rest_stays() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let change = json!({ "organizationId": organization, "name": "New", "description": "text", "city": "Ulm" });
        let changed = world.call(&alice, "update", change).await.ok();
        assert_eq!(changed["ok"], true);
        assert_eq!(changed["organization"]["version"], 2);
        let clear = json!({ "organizationId": organization, "description": "" });
        let cleared = world.call(&alice, "update", clear.clone()).await.ok()["organization"].clone();
        assert_eq!(cleared["description"], "");
        assert_eq!(cleared["name"], "New");
        assert_eq!(cleared["city"], "Ulm");
        assert_eq!(cleared["version"], 3);
        // Nothing is changed: no version is used up.
        assert_eq!(world.call(&alice, "update", clear).await.ok()["organization"]["version"], 3);
        let name = json!({ "organizationId": organization, "name": "" });
        world.call(&alice, "update", name).await.names_field("name");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_what_is_no_longer_so_is_refused() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let change = |name: &str| json!({ "organizationId": organization, "name": name, "ifVersion": 1 });
        world.call(&alice, "update", change("First")).await.ok();
        world.call(&alice, "update", change("Second")).await.refused(412, "stale");
        let shown = world.call(&alice, "get", json!({ "organizationId": organization })).await.ok();
        assert_eq!(shown["organization"]["name"], "First");
    })
    .await;
}

#[tokio::test]
async fn a_slug_can_be_changed_and_is_free_afterwards() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let other = world.organization(&bob).await;
        let rename = |organization: &str, slug: &str| json!({ "organizationId": organization, "slug": slug });
        world.call(&alice, "update", rename(&organization, "first")).await.ok();
        assert_eq!(world.whoami(&alice, Some("first")).await.ok()["organizationId"], organization);
        world.call(&bob, "update", rename(&other, "first")).await.refused(409, "slug_taken");
        world.call(&alice, "update", rename(&organization, "second")).await.ok();
        world.whoami(&alice, Some("first")).await.refused(404, "not_found");
        world.call(&bob, "update", rename(&other, "first")).await.ok();
        assert_eq!(world.whoami(&bob, Some("first")).await.ok()["organizationId"], other);
        world.call(&alice, "update", rename(&organization, "No Slug")).await.names_field("slug");
    })
    .await;
}
