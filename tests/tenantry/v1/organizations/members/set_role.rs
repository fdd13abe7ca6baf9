//! `POST /v1/organizations/members/set-role`

use futures_util::future::join;
use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_role_holds_from_the_next_request_on() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "member").await;
        let set = |role: &str| json!({ "organizationId": organization, "userId": "bob", "role": role });
        let invite = json!({ "organizationId": organization, "email": "x@example.com" });
        world.call(&bob, "invitations/create", invite.clone()).await.refused(403, "forbidden");
        world.call(&alice, "members/set-role", set("admin")).await.ok();
        world.call(&bob, "invitations/create", invite.clone()).await.ok();
        world.call(&alice, "members/set-role", set("member")).await.ok();
        world.call(&bob, "invitations/create", invite).await.refused(403, "forbidden");
        world.call(&alice, "members/set-role", set("emperor")).await.names_field("role");
        world.call(&alice, "members/set-role", set("Not A Role")).await.names_field("role");
        let stranger = json!({ "organizationId": organization, "userId": "stranger", "role": "member" });
        world.call(&alice, "members/set-role", stranger).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn nobody_grants_more_than_they_hold() {
    on_every_store(async |world| {
        let [alice, bob, carol, dan] = ["alice", "bob", "carol", "dan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        world.join(&alice, &organization, &dan, "member").await;
        let set = |user: &str, role: &str| json!({ "organizationId": organization, "userId": user, "role": role });
        world.call(&bob, "members/set-role", set("dan", "owner")).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "members/set-role", set("bob", "owner")).await.refused(403, "grant_exceeds_own");
        world.call(&bob, "members/set-role", set("alice", "member")).await.refused(403, "forbidden");
        world.call(&carol, "members/set-role", set("dan", "admin")).await.refused(403, "grant_exceeds_own");
        world.call(&carol, "members/set-role", set("dan", "writer")).await.refused(403, "grant_exceeds_own");
        world.call(&carol, "members/set-role", set("dan", "recruiter")).await.ok();
        // A token with every permission is no owner.
        let roles = world.call(&alice, "roles", json!({})).await.ok();
        let all: Vec<_> = roles["permissions"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        let token = world.token(&alice, &organization, &all).await;
        world.call(&token, "members/set-role", set("dan", "owner")).await.refused(403, "grant_exceeds_own");
        world.call(&token, "members/set-role", set("alice", "member")).await.refused(403, "forbidden");
        world.call(&token, "members/set-role", set("dan", "admin")).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_demote_each_other_at_once_one_remains() {
    on_every_store(async |world| {
        for _ in 0..10 {
            let [alice, bob] = ["alice", "bob"].map(Actor::user);
            let organization = world.organization(&alice).await;
            world.join(&alice, &organization, &bob, "owner").await;
            let set = |user: &str| json!({ "organizationId": organization, "userId": user, "role": "member" });
            let (by_alice, by_bob) = join(
                world.call(&alice, "members/set-role", set("bob")),
                world.call(&bob, "members/set-role", set("alice")),
            )
            .await;
            let (winner, loser, refused) =
                if by_alice.status.is_success() { (&alice, "bob", by_bob) } else { (&bob, "alice", by_alice) };
            refused.refused(403, "forbidden");
            let listed = world.call(winner, "members/list", json!({ "organizationId": organization })).await.ok();
            let members = listed["members"].as_array().unwrap();
            let role = |user: &str| members.iter().find(|member| member["userId"] == user).map(|m| m["role"].clone());
            assert_eq!((role(&winner.id), role(loser)), (Some(json!("owner")), Some(json!("member"))));
        }
    })
    .await;
}
