//! `POST /v1/organizations/create`

use futures_util::future::join_all;
use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn the_creator_is_the_first_owner() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let input = json!({
            "name": "  Crème & Co  ", "description": "sweets\nand more", "countryCode": "FR", "type": "shop",
            "email": "Hello@example.com", "metadata": { "plan": "pro", "seats": 7 },
        });
        let organization = world.call(&alice, "create", input).await.ok()["organization"].clone();
        assert_eq!(organization["name"], "Crème & Co");
        assert_eq!(organization["slug"], "creme-co");
        assert_eq!(organization["owner"], "alice");
        assert_eq!(organization["status"], "active");
        assert_eq!(organization["version"], 1);
        assert_eq!(organization["type"], "shop");
        assert_eq!(organization["metadata"], json!({ "plan": "pro", "seats": 7 }));
        assert_eq!(organization["avatarUrl"], json!(null));
        assert!(organization["createdAt"].as_str().unwrap().ends_with('Z'));

        let next = world.call(&alice, "create", json!({ "name": "Next" })).await.ok();
        assert!(next["organization"]["number"].as_u64() > organization["number"].as_u64());

        let who = world.whoami(&alice, organization["id"].as_str()).await.ok();
        assert_eq!(who["role"], "owner");
    })
    .await;
}

#[tokio::test]
async fn a_name_has_bounds_in_characters_and_every_fault_is_told_at_once() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        world.call(&alice, "create", json!({ "name": "é".repeat(100) })).await.ok();
        for name in [String::new(), "  ".to_owned(), "é".repeat(101), "a\u{0}b".to_owned()] {
            world.call(&alice, "create", json!({ "name": name })).await.names_field("name");
        }
        let input = json!({
            "name": "", "slug": "A", "description": "x".repeat(501), "avatarUrl": "javascript:alert(1)",
            "countryCode": "de", "email": "nobody", "metadata": { "x": "y".repeat(17_000) },
        });
        let refused = world.call(&alice, "create", input).await;
        for field in ["name", "slug", "description", "avatarUrl", "countryCode", "email", "metadata"] {
            refused.names_field(field);
        }
        world.call(&alice, "create", json!({ "name": "x", "metadata": [] })).await.names_field("metadata");
    })
    .await;
}

#[tokio::test]
async fn a_slug_is_had_by_one() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let input = json!({ "name": "Acme", "slug": "acme" });
        world.call(&alice, "create", input.clone()).await.ok();
        world.call(&bob, "create", input).await.refused(409, "slug_taken");
        // A slug that is made from the name makes way.
        let made = world.call(&bob, "create", json!({ "name": "Acme" })).await.ok();
        assert!(made["organization"]["slug"].as_str().unwrap().starts_with("acme-"));
        let id = made["organization"]["id"].as_str().unwrap();
        world.call(&bob, "create", json!({ "name": "Sly", "slug": id })).await.names_field("slug");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_that_many_want_at_once_is_had_by_one() {
    on_every_store(async |world| {
        let wanted = (0..12).map(async |n| {
            let user = Actor::user(&format!("user-{n}"));
            world.call(&user, "create", json!({ "name": "Race", "slug": "race" })).await
        });
        let answers = join_all(wanted).await;
        assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
        answers.iter().filter(|answer| !answer.status.is_success()).for_each(|a| a.refused(409, "slug_taken"));
    })
    .await;
}
