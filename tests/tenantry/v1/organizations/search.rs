//! `POST /v1/organizations/search`

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

fn names(page: &Value) -> Vec<&str> {
    page["organizations"].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap()).collect()
}

async fn create(world: &World, actor: &Actor, input: Value) -> Value {
    // Each is created at a time of its own, and is told apart by it.
    world.clock.advance(Duration::from_millis(5));
    world.call(actor, "create", input).await.ok()["organization"].clone()
}

async fn rename(world: &World, actor: &Actor, organization: &Value, name: &str) {
    let input = json!({ "organizationId": organization["id"], "name": name });
    world.call(actor, "update", input).await.ok();
}

#[tokio::test]
async fn a_platform_admin_finds_all_and_everyone_else_their_own() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        create(&world, &alice, json!({ "name": "Acme" })).await;
        let shared = create(&world, &bob, json!({ "name": "Acme Berlin" })).await;
        create(&world, &bob, json!({ "name": "Beta" })).await;
        world.join(&bob, shared["id"].as_str().unwrap(), &alice, "member").await;
        let root = Actor::platform_admin();
        for (actor, expected) in [
            (&root, &["Beta", "Acme Berlin", "Acme"][..]),
            (&alice, &["Acme Berlin", "Acme"]),
            (&bob, &["Beta", "Acme Berlin"]),
            (&carol, &[]),
        ] {
            let found = world.call(actor, "search", json!({})).await.ok();
            assert_eq!(names(&found), expected, "{}: newest first", actor.id);
            assert_eq!(found["nextCursor"], Value::Null);
        }
        // Neither by its name nor by its id does anybody find what is another's.
        for filter in [json!({ "name": { "eq": "Beta" } }), json!({ "id": { "gte": shared["id"] } })] {
            let found = world.call(&carol, "search", json!({ "filter": filter })).await.ok();
            assert_eq!(names(&found), [""; 0]);
        }
        let removal = json!({ "organizationId": shared["id"], "userId": "alice" });
        world.call(&bob, "members/remove", removal).await.ok();
        assert_eq!(names(&world.call(&alice, "search", json!({})).await.ok()), ["Acme"]);
        // A cursor of an admin's search is of no use to another.
        let page = world.call(&root, "search", json!({ "limit": 1 })).await.ok();
        let stolen = json!({ "limit": 1, "cursor": page["nextCursor"] });
        world.call(&carol, "search", stolen).await.names_field("cursor");
        world.call(&Actor::nobody(), "search", json!({})).await.refused(401, "unauthenticated");
        let token = world.token(&bob, shared["id"].as_str().unwrap(), &["org:view"]).await;
        world.call(&token, "search", json!({})).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn every_operator_means_what_it_says() {
    on_every_store(async |world| {
        let (alice, root) = (Actor::user("alice"), Actor::platform_admin());
        let acme = json!({ "name": "Acme", "type": "ngo", "city": "Berlin", "country": "Germany" });
        let acme = create(&world, &alice, acme).await;
        let cafe = create(&world, &alice, json!({ "name": "Café Zoé", "city": "Roma", "country": "Italy" })).await;
        let beta = create(&world, &alice, json!({ "name": "BETA 100%", "description": "What was bought" })).await;
        let (a, c, b) = ("Acme", "Café Zoé", "BETA 100%");
        let cases: Vec<(Value, Vec<&str>)> = vec![
            (json!({ "name": { "eq": "Acme" } }), vec![a]),
            (json!({ "name": { "eq": "acme" } }), vec![]),
            (json!({ "name": { "ne": "Acme" } }), vec![b, c]),
            (json!({ "type": { "ne": "ngo" } }), vec![b, c]),
            (json!({ "type": { "null": true } }), vec![b, c]),
            (json!({ "city": { "null": false } }), vec![a, c]),
            (json!({ "name": { "gt": "acme" } }), vec![b, c]),
            (json!({ "name": { "gte": "ACME", "lt": "beta 100%" } }), vec![a]),
            (json!({ "name": { "lte": "beta 100%" } }), vec![a, b]),
            (json!({ "name": { "between": ["acme", "BETA 100%"] } }), vec![a, b]),
            (json!({ "createdAt": { "gt": acme["createdAt"] } }), vec![b, c]),
            (json!({ "createdAt": { "gte": cafe["createdAt"] } }), vec![b, c]),
            (json!({ "createdAt": { "lt": beta["createdAt"] } }), vec![a, c]),
            (json!({ "createdAt": { "between": [acme["createdAt"], cafe["createdAt"]] } }), vec![a, c]),
            (json!({ "number": { "in": [acme["number"], beta["number"]] } }), vec![a, b]),
            (json!({ "number": { "notIn": [acme["number"]] } }), vec![b, c]),
            (json!({ "slug": { "in": [cafe["slug"]] } }), vec![c]),
            (json!({ "id": { "eq": beta["id"] } }), vec![b]),
            (json!({ "owner": { "eq": "alice" }, "status": { "eq": "active" } }), vec![a, b, c]),
            (json!({ "status": { "in": ["inactive", "suspended"] } }), vec![]),
            (json!({ "version": { "eq": 1 }, "updatedAt": { "lte": acme["updatedAt"] } }), vec![a]),
            (json!({ "name": { "like": "caf%" } }), vec![c]),
            (json!({ "name": { "like": "%E%" } }), vec![a, b]),
            (json!({ "name": { "like": "acme" } }), vec![a]),
            (json!({ "name": { "like": "%zoÉ" } }), vec![c]),
            (json!({ "name": { "notLike": "%a" } }), vec![a, b, c]),
            (json!({ "type": { "notLike": "n%" } }), vec![b, c]),
            (json!({ "concatLike": { "fields": ["city", "country"], "text": "LIN ger" } }), vec![a]),
            (json!({ "city": { "eq": "Roma" }, "country": { "eq": "Germany" } }), vec![]),
            (json!({}), vec![a, b, c]),
        ];
        for (filter, expected) in cases {
            let order = json!([{ "field": "name" }]);
            for actor in [&root, &alice] {
                let found = world.call(actor, "search", json!({ "filter": filter, "order": order })).await.ok();
                assert_eq!(names(&found), expected, "{filter} as {}", actor.id);
            }
        }
        for (name, expected) in [("cafe zo", vec![c]), ("É", vec![c, b, a]), ("0%", vec![b]), ("xyz", vec![])] {
            let found = world.call(&root, "search", json!({ "name": name })).await.ok();
            let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
                (names(&found).into_iter().collect(), expected.into_iter().collect());
            assert_eq!(found, expected, "the name contains {name}, whatever its case and accents");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_path() {
    on_every_store(async |world| {
        let root = Actor::platform_admin();
        let long = "x".repeat(501);
        let many: Vec<u64> = (0..101).collect();
        let faults = [
            (json!({ "filter": { "color": { "eq": "red" } } }), "filter.color"),
            (json!({ "filter": { "name": { "matches": "x" } } }), "filter.name.matches"),
            (json!({ "filter": { "number": { "like": "1%" } } }), "filter.number.like"),
            (json!({ "filter": { "createdAt": { "gt": "yesterday" } } }), "filter.createdAt.gt"),
            (json!({ "filter": { "number": { "eq": "7" } } }), "filter.number.eq"),
            (json!({ "filter": { "number": { "in": [1, "2"] } } }), "filter.number.in[1]"),
            (json!({ "filter": { "number": { "in": [] } } }), "filter.number.in"),
            (json!({ "filter": { "number": { "notIn": many } } }), "filter.number.notIn"),
            (json!({ "filter": { "name": { "eq": 7 } } }), "filter.name.eq"),
            (json!({ "filter": { "name": { "eq": long } } }), "filter.name.eq"),
            (json!({ "filter": { "name": { "null": "yes" } } }), "filter.name.null"),
            (json!({ "filter": { "name": { "between": ["a"] } } }), "filter.name.between"),
            (json!({ "filter": { "name": {} } }), "filter.name"),
            (json!({ "filter": { "name": { "eq": null } } }), "filter.name"),
            (json!({ "filter": { "id": { "eq": "x" } } }), "filter.id.eq"),
            (json!({ "filter": { "status": { "eq": "gone" } } }), "filter.status.eq"),
            (json!({ "filter": { "concatLike": { "fields": ["number"], "text": "x" } } }), "filter.concatLike.fields"),
            (json!({ "filter": { "concatLike": { "fields": ["name"] } } }), "filter.concatLike.text"),
            (json!({ "order": [] }), "order"),
            (json!({ "order": [{ "field": "name" }, { "field": "name" }] }), "order"),
            (json!({ "order": [{ "field": "color" }] }), "order[0].field"),
            (json!({ "order": [{ "field": "name", "direction": "up" }] }), "order[0].direction"),
            (json!({ "name": long }), "name"),
            (json!({ "limit": 0 }), "limit"),
            (json!({ "limit": 201 }), "limit"),
            (json!({ "offset": 501 }), "offset"),
            (json!({ "offset": 1, "cursor": "x" }), "offset"),
            (json!({ "cursor": "elsewhere" }), "cursor"),
        ];
        for (input, field) in faults {
            world.call(&root, "search", input).await.names_field(field);
        }
        for name in ["a", "b"] {
            create(&world, &Actor::user("alice"), json!({ "name": name })).await;
        }
        let page = world.call(&root, "search", json!({ "limit": 1 })).await.ok();
        let cursor = &page["nextCursor"];
        assert!(cursor.is_string());
        let order = json!([{ "field": "name" }]);
        for other in [
            json!({ "cursor": cursor, "order": order }),
            json!({ "cursor": cursor, "name": "a" }),
            json!({ "cursor": cursor, "filter": { "name": { "ne": "a" } } }),
        ] {
            world.call(&root, "search", other).await.names_field("cursor");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_survive_what_is_created_and_renamed_in_between() {
    on_every_store(async |world| {
        let (alice, root) = (Actor::user("alice"), Actor::platform_admin());
        let mut created = Vec::new();
        for name in ["b", "d", "f", "h", "j", "l"] {
            created.push(create(&world, &alice, json!({ "name": name })).await);
        }
        for actor in [&root, &alice] {
            for order in [json!([{ "field": "name" }]), json!([{ "field": "name" }, { "field": "city" }])] {
                let search = async |cursor: &Value| {
                    let input = json!({ "order": order, "limit": 2, "cursor": cursor });
                    world.call(actor, "search", input).await.ok()
                };
                let first = search(&Value::Null).await;
                assert_eq!(names(&first), ["b", "d"]);
                // One comes before what was read, one behind it; one moves ahead.
                rename(&world, &alice, &created[5], "a").await;
                rename(&world, &alice, &created[2], "g").await;
                let second = search(&first["nextCursor"]).await;
                assert_eq!(names(&second), ["g", "h"]);
                rename(&world, &alice, &created[5], "l").await;
                rename(&world, &alice, &created[2], "f").await;
                let third = search(&second["nextCursor"]).await;
                assert_eq!(names(&third), ["j", "l"]);
                assert_eq!(third["nextCursor"], Value::Null, "that was the last page");
                // A name that was given up leads nowhere.
                let filter = json!({ "name": { "eq": "g" } });
                let found = world.call(actor, "search", json!({ "filter": filter })).await.ok();
                assert_eq!(names(&found), [""; 0]);
            }
        }
        let offset = json!({ "order": [{ "field": "createdAt", "direction": "desc" }], "offset": 3, "limit": 1 });
        let page = world.call(&root, "search", offset.clone()).await.ok();
        assert_eq!(names(&page), ["f"]);
        create(&world, &alice, json!({ "name": "new" })).await;
        let next = json!({ "order": offset["order"], "limit": 9, "cursor": page["nextCursor"] });
        assert_eq!(names(&world.call(&root, "search", next).await.ok()), ["d", "b"]);
    })
    .await;
}
