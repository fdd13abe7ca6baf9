//! `POST /v1/organizations/list`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn the_callers_own_organizations_in_the_order_of_joining() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let first = world.organization(&alice).await;
        let second = world.organization(&bob).await;
        world.organization(&bob).await;
        world.join(&bob, &second, &alice, "writer").await;
        let listed = world.call(&alice, "list", json!({})).await.ok();
        assert_eq!(listed["nextCursor"], Value::Null);
        let organizations = listed["organizations"].as_array().unwrap();
        let ids: Vec<_> = organizations.iter().map(|place| place["organization"]["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [first.as_str(), second.as_str()]);
        assert_eq!(organizations[0]["role"], "owner");
        assert_eq!(organizations[1]["roles"], json!(["writer"]));
        assert_eq!(organizations[1]["permissions"], json!(["org:view", "notes:write"]));
        assert!(organizations[1]["joinedAt"].is_string());
    })
    .await;
}

#[tokio::test]
async fn pages_hold_everything_once() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let mut created = BTreeSet::new();
        for _ in 0..7 {
            created.insert(world.organization(&alice).await);
        }
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = world.call(&alice, "list", json!({ "limit": 3, "cursor": cursor })).await.ok();
            let places = page["organizations"].as_array().unwrap();
            assert!(places.len() <= 3);
            seen.extend(places.iter().map(|place| place["organization"]["id"].as_str().unwrap().to_owned()));
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen.len(), 7);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), created);
        for limit in [0, 201] {
            world.call(&alice, "list", json!({ "limit": limit })).await.names_field("limit");
        }
        world.call(&alice, "list", json!({ "cursor": "elsewhere" })).await.names_field("cursor");
        let token = Actor::token("tk_live_x:ts_y");
        world.call(&token, "list", json!({})).await.refused(401, "invalid_token");
    })
    .await;
}
