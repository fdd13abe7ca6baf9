//! `POST /v1/organizations/accounts/update`, and what a member's own credential tells of them later.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::core::{
    operations::accounts,
    values::{clock::Clock as _, limits},
};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

async fn shown(world: &World, alice: &Actor, organization: &str) -> Value {
    let get = json!({ "organizationId": organization, "userId": "carol" });
    world.call(alice, "members/get", get).await.ok()["member"].clone()
}

async fn invite(world: &World, alice: &Actor, organization: &str, email: &str) -> (u16, String) {
    let invite = json!({ "organizationId": organization, "email": email });
    let answer = world.call(alice, "invitations/create", invite).await;
    (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default().to_owned())
}

/// The members of the organization whose addresses changed, by the audit log.
async fn traced(world: &World, organization: &str) -> Vec<(String, Value)> {
    let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 1000).await.unwrap();
    let events = events.into_iter().filter(|event| event.action == "accounts.update");
    events.map(|event| (event.actor.id(), event.details)).collect()
}

fn long_lived(name: &str, claims: Value) -> Actor {
    let mut claims = claims;
    claims["exp"] = json!(4_000_000_000_u64);
    Actor::with_claims(name, &claims)
}

#[tokio::test]
async fn what_a_members_later_credential_tells_is_known_after_their_next_call() {
    on_every_store(async |world| {
        let alice = long_lived("alice", json!({}));
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &long_lived("carol", json!({})), "member").await;
        let invite_new = json!({ "organizationId": organization, "email": "carol@new.example", "role": "admin" });
        let open = world.call(&alice, "invitations/create", invite_new).await.ok();
        let later = json!({ "email": "carol@new.example", "name": "Carol Danvers" });
        let carol = long_lived("carol", later);

        // By an operation, which notes it before it answers; and not sooner than it may be written.
        world.call(&carol, "get", json!({ "organizationId": organization })).await.ok();
        assert_eq!(shown(&world, &alice, &organization).await["email"], "carol@example.com");
        world.clock.advance(limits::PROFILE_GRANULARITY);
        world.call(&carol, "get", json!({ "organizationId": organization })).await.ok();
        let member = shown(&world, &alice, &organization).await;
        assert_eq!((&member["email"], &member["name"]), (&json!("carol@new.example"), &json!("Carol Danvers")));
        assert_eq!(member["username"], "carol");

        // The new address is hers, and the old one may be somebody else's by now.
        let already = (409, "already_member".to_owned());
        assert_eq!(invite(&world, &alice, &organization, "Carol@NEW.example").await, already);
        assert_eq!(invite(&world, &alice, &organization, "carol@example.com").await.0, 200);
        // What was open for her new address ended with it.
        let accept = json!({ "token": open["token"] });
        assert_eq!(world.call(&carol, "invitations/accept", accept).await.ok()["alreadyMember"], true);
        let list = json!({ "organizationId": organization, "withInvitations": true });
        let listed = world.call(&alice, "members/list", list).await.ok();
        let at_new = listed["members"].as_array().unwrap().iter().filter(|one| one["email"] == "carol@new.example");
        assert_eq!(at_new.count(), 1);
        let traced = traced(&world, &organization).await;
        assert_eq!(traced.len(), 1, "{traced:?}");
        assert_eq!(traced[0].0, "carol");
        assert_eq!(traced[0].1["email"], json!({ "from": "carol@example.com", "to": "carol@new.example" }));
        assert_eq!(traced[0].1["endedInvitations"], json!([open["invitation"]["id"]]));
    })
    .await;
}

#[tokio::test]
async fn the_layer_notes_it_beside_the_request() {
    on_every_store(async |world| {
        let alice = long_lived("alice", json!({}));
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &long_lived("carol", json!({})), "member").await;
        world.clock.advance(limits::PROFILE_GRANULARITY);
        let carol = long_lived("carol", json!({ "preferred_username": "danvers" }));
        world.whoami(&carol, None).await.ok();
        while shown(&world, &alice, &organization).await["username"] != "danvers" {
            tokio::task::yield_now().await;
        }
        assert_eq!(traced(&world, &organization).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_older_credential_and_one_that_tells_less_undo_nothing() {
    on_every_store(async |world| {
        let alice = long_lived("alice", json!({}));
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &long_lived("carol", json!({})), "member").await;
        world.clock.advance(limits::PROFILE_GRANULARITY);
        let now = world.clock.now().as_seconds();
        let new = json!({ "email": "carol@new.example", "iat": now });
        let here = json!({ "organizationId": organization });
        world.call(&long_lived("carol", new), "get", here.clone()).await.ok();
        world.clock.advance(Duration::from_secs(24 * 3600));
        let old = json!({ "email": "carol@example.com", "iat": now - 1 });
        let unverified = json!({ "email": "carol@other.example", "email_verified": false });
        let less = json!({ "email": null, "name": null, "preferred_username": null });
        for claims in [old, unverified, less] {
            world.call(&long_lived("carol", claims), "get", here.clone()).await.ok();
            assert_eq!(shown(&world, &alice, &organization).await["email"], "carol@new.example");
        }
        assert_eq!(traced(&world, &organization).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_platform_says_it_at_once_and_everywhere() {
    on_every_store(async |world| {
        let [alice, carol] = ["alice", "carol"].map(|name| long_lived(name, json!({})));
        let root = Actor::platform_admin();
        let [one, two] = [world.organization(&alice).await, world.organization(&alice).await];
        for organization in [&one, &two] {
            world.join(&alice, organization, &carol, "member").await;
        }
        let update = json!({ "userId": "carol", "email": "carol@new.example", "emailVerified": true, "name": "C" });
        world.call(&alice, "accounts/update", update.clone()).await.refused(403, "forbidden");
        let updated = world.call(&root, "accounts/update", update.clone()).await.ok();
        assert_eq!(updated, json!({ "ok": true, "updatedIn": 2, "more": false }));
        for organization in [&one, &two] {
            let member = shown(&world, &alice, organization).await;
            assert_eq!((&member["email"], &member["name"]), (&json!("carol@new.example"), &json!("C")));
            assert_eq!(invite(&world, &alice, organization, "carol@example.com").await.0, 200);
        }
        // The credential of before does not undo it, and nothing that differs leaves no trace.
        world.call(&carol, "get", json!({ "organizationId": one })).await.ok();
        world.call(&root, "accounts/update", update).await.ok();
        assert_eq!(shown(&world, &alice, &one).await["email"], "carol@new.example");
        assert_eq!(traced(&world, &one).await.len(), 1);

        // An address that is verified no more is none, and an empty text clears.
        let clear = json!({ "userId": "carol", "emailVerified": false, "name": "", "username": "" });
        world.call(&root, "accounts/update", clear).await.ok();
        let member = shown(&world, &alice, &one).await;
        assert!([&member["email"], &member["name"], &member["username"]].iter().all(|shown| shown.is_null()));
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_must_be_whole() {
    on_every_store(async |world| {
        let root = Actor::platform_admin();
        for (field, input) in [
            ("name", json!({})),
            ("emailVerified", json!({ "email": "carol@new.example" })),
            ("email", json!({ "emailVerified": true })),
            ("email", json!({ "email": "no address", "emailVerified": true })),
            ("username", json!({ "username": "a b" })),
            ("name", json!({ "name": "x".repeat(101) })),
        ] {
            let mut input = input;
            input["userId"] = json!("carol");
            world.call(&root, "accounts/update", input).await.names_field(field);
        }
        let stranger = json!({ "userId": "nobody", "name": "N" });
        let updated = world.call(&root, "accounts/update", stranger).await.ok();
        assert_eq!(updated, json!({ "ok": true, "updatedIn": 0, "more": false }));
    })
    .await;
}

#[tokio::test]
async fn the_host_itself_says_it_by_the_engine() {
    on_every_store(async |world| {
        let [alice, carol] = ["alice", "carol"].map(|name| long_lived(name, json!({})));
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let update: accounts::Update = serde_json::from_value(json!({ "userId": "carol", "name": "C" })).unwrap();
        assert_eq!(world.tenantry.engine().update_account(&update).await.unwrap().updated_in, 1);
        assert_eq!(shown(&world, &alice, &organization).await["name"], "C");
        let empty: accounts::Update = serde_json::from_value(json!({ "userId": "carol" })).unwrap();
        assert!(world.tenantry.engine().update_account(&empty).await.is_err());
    })
    .await;
}
