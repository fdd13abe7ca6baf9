//! `POST /v1/organizations/members/list`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn members_in_the_order_of_joining_and_then_the_invited() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "member").await;
        for name in ["dan", "eve"] {
            let input = json!({ "organizationId": organization, "email": format!("{name}@example.com"), "name": name });
            world.call(&alice, "invitations/create", input).await.ok();
        }
        let listed = world.call(&carol, "members/list", json!({ "organizationId": organization })).await.ok();
        let members = listed["members"].as_array().unwrap();
        let column = |field: &str| members.iter().map(|member| member[field].clone()).collect::<Vec<_>>();
        assert_eq!(column("userId"), ["alice", "bob", "carol"]);
        assert_eq!(column("number"), [1, 2, 3]);
        assert_eq!(column("role"), ["owner", "admin", "member"]);
        assert_eq!(column("status"), ["active", "active", "active"]);
        assert_eq!(members[1]["email"], "bob@example.com");
        assert_eq!(members[1]["username"], "bob");
        assert_eq!(members[1]["workspaces"], json!([]));

        // Two at a time, across the seam between members and invitations.
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let input =
                json!({ "organizationId": organization, "withInvitations": true, "limit": 3, "cursor": cursor });
            let page = world.call(&bob, "members/list", input).await.ok();
            let members = page["members"].as_array().unwrap().clone();
            seen.extend(members.into_iter().map(|member| (member["email"].clone(), member["status"].clone())));
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let expected = ["alice", "bob", "carol", "dan", "eve"].map(|name| {
            let status = if matches!(name, "dan" | "eve") { "pending" } else { "active" };
            (json!(format!("{name}@example.com")), json!(status))
        });
        assert_eq!(seen, expected);
        // The addresses of those who are invited are for who manages members.
        for cursor in [Value::Null, json!("i")] {
            let input = json!({ "organizationId": organization, "withInvitations": true, "cursor": cursor });
            let refused = world.call(&carol, "members/list", input).await;
            refused.refused(403, "forbidden");
            assert!(refused.body["detail"].as_str().unwrap().contains("members:manage"));
        }
        let wrong = json!({ "organizationId": organization, "cursor": "i1" });
        world.call(&carol, "members/list", wrong).await.names_field("cursor");
    })
    .await;
}

#[tokio::test]
async fn a_cursor_survives_what_is_removed_behind_it() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        for name in ["b", "c", "d", "e"] {
            world.join(&alice, &organization, &Actor::user(name), "member").await;
        }
        let page = |cursor: Value| json!({ "organizationId": organization, "limit": 3, "cursor": cursor });
        let first = world.call(&alice, "members/list", page(Value::Null)).await.ok();
        for gone in ["b", "c"] {
            let input = json!({ "organizationId": organization, "userId": gone });
            world.call(&alice, "members/remove", input).await.ok();
        }
        world.join(&alice, &organization, &Actor::user("f"), "member").await;
        let second = world.call(&alice, "members/list", page(first["nextCursor"].clone())).await.ok();
        let members = second["members"].as_array().unwrap();
        let shown: Vec<_> = members.iter().map(|member| (&member["userId"], &member["number"])).collect();
        assert_eq!(shown, [(&json!("d"), &json!(4)), (&json!("e"), &json!(5)), (&json!("f"), &json!(6))]);
    })
    .await;
}
