//! `POST /v1/organizations/invitations/list`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn newest_first_page_by_page() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        for n in 1..=5 {
            let input = json!({ "organizationId": organization, "email": format!("user-{n}@example.com") });
            world.call(&alice, "invitations/create", input).await.ok();
        }
        let page = |cursor: Value| json!({ "organizationId": organization, "limit": 2, "cursor": cursor });
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let answer = world.call(&alice, "invitations/list", page(cursor)).await.ok();
            let invitations = answer["invitations"].as_array().unwrap();
            seen.extend(invitations.iter().map(|invitation| invitation["number"].as_u64().unwrap()));
            cursor = answer["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen, [5, 4, 3, 2, 1]);
    })
    .await;
}
