//! `POST /v1/organizations/members/update`

use serde_json::json;

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
