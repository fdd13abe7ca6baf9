//! `POST /v1/organizations/join-codes/create`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_code_is_shown_once_and_hinted_at_afterwards() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let input = json!({ "organizationId": organization, "maxUses": 3, "expiresAt": "2030-01-01T00:00:00Z" });
        let created = world.call(&alice, "join-codes/create", input).await.ok();
        let code = created["code"].as_str().unwrap();
        assert_eq!(code.len(), 14);
        let join_code = &created["joinCode"];
        assert_eq!(join_code["role"], "member");
        assert_eq!(join_code["maxUses"], 3);
        assert_eq!(join_code["uses"], 0);
        assert_eq!(join_code["expiresAt"], "2030-01-01T00:00:00.000Z");
        assert_eq!(join_code["revokedAt"], json!(null));
        let listed = world.call(&alice, "join-codes/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["joinCodes"], json!([join_code]));
        assert!(!listed.to_string().contains(&code[..9]));
    })
    .await;
}

#[tokio::test]
async fn bounds_and_rights() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        for (max_uses, field) in [(json!(0), "maxUses"), (json!(1_000_001), "maxUses"), (json!(-1), "maxUses")] {
            let input = json!({ "organizationId": organization, "maxUses": max_uses });
            world.call(&alice, "join-codes/create", input).await.names_field(field);
        }
        let past = json!({ "organizationId": organization, "expiresAt": "2020-01-01T00:00:00Z" });
        world.call(&alice, "join-codes/create", past).await.names_field("expiresAt");
        let with = |role: &str| json!({ "organizationId": organization, "role": role });
        world.call(&alice, "join-codes/create", with("emperor")).await.names_field("role");
        world.call(&bob, "join-codes/create", with("owner")).await.refused(403, "grant_exceeds_own");
        world.call(&carol, "join-codes/create", with("admin")).await.refused(403, "grant_exceeds_own");
        world.call(&carol, "join-codes/create", with("member")).await.ok();
    })
    .await;
}
