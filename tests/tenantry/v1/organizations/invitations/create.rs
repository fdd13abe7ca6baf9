//! `POST /v1/organizations/invitations/create`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn an_invitation_is_addressed_and_its_token_is_shown_once() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let input =
            json!({ "organizationId": organization, "email": "Zoe@Example.com", "name": "Zoe", "role": "writer" });
        let created = world.call(&alice, "invitations/create", input).await.ok();
        let invitation = &created["invitation"];
        assert_eq!(invitation["email"], "Zoe@Example.com");
        assert_eq!(invitation["username"], json!(null));
        assert_eq!(invitation["roles"], json!(["writer"]));
        assert_eq!(invitation["status"], "pending");
        assert_eq!(invitation["number"], 1);
        assert_eq!(invitation["organizationName"], "Acme");
        assert_eq!(invitation["invitedBy"], json!({ "kind": "user", "id": "alice" }));
        let token = created["token"].as_str().unwrap();
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"], json!([invitation]));
        assert!(!listed.to_string().contains(token));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_invited_twice_however_the_address_is_written() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invite = |email: &str| json!({ "organizationId": organization, "email": email });
        world.call(&alice, "invitations/create", invite("ren\u{e9}@example.com")).await.ok();
        for again in
            ["ren\u{e9}@example.com", "REN\u{c9}@EXAMPLE.com", "rene\u{301}@example.com", " rEn\u{e9}@example.com "]
        {
            world.call(&alice, "invitations/create", invite(again)).await.refused(409, "already_invited");
        }
        for present in ["alice@example.com", "Alice@Example.Com"] {
            world.call(&alice, "invitations/create", invite(present)).await.refused(409, "already_member");
        }
        let by_name = json!({ "organizationId": organization, "username": "alice" });
        world.call(&alice, "invitations/create", by_name).await.refused(409, "already_member");
    })
    .await;
}

#[tokio::test]
async fn what_is_given_must_make_sense() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let cases = [
            (json!({}), "email"),
            (json!({ "email": "zoe@example.com", "username": "zoe" }), "username"),
            (json!({ "email": "zoe" }), "email"),
            (json!({ "username": "z o e" }), "username"),
            (json!({ "email": "zoe@example.com", "role": "emperor" }), "role"),
            (json!({ "email": "zoe@example.com", "role": "member", "roles": ["member"] }), "roles"),
            (json!({ "email": "zoe@example.com", "roles": [] }), "roles"),
            (json!({ "email": "zoe@example.com", "name": "z".repeat(101) }), "name"),
            (json!({ "email": "zoe@example.com", "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
            (json!({ "email": "zoe@example.com", "expiresAt": "9000-01-01T00:00:00Z" }), "expiresAt"),
            (json!({ "email": "zoe@example.com", "expiresAt": "tomorrow" }), "expiresAt"),
        ];
        for (mut input, field) in cases {
            input["organizationId"] = json!(organization);
            world.call(&alice, "invitations/create", input).await.names_field(field);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_above_themselves() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        let invite =
            |role: &str| json!({ "organizationId": organization, "email": "z@example.com", "roles": ["member", role] });
        world.call(&bob, "invitations/create", invite("owner")).await.refused(403, "grant_exceeds_own");
        world.call(&carol, "invitations/create", invite("admin")).await.refused(403, "grant_exceeds_own");
        let token = world.token(&alice, &organization, &["members:manage"]).await;
        world.call(&token, "invitations/create", invite("member")).await.refused(403, "grant_exceeds_own");
        let created = world.call(&alice, "invitations/create", invite("owner")).await.ok();
        assert_eq!(created["invitation"]["roles"], json!(["owner", "member"]));
        let id = &created["invitation"]["id"];
        let revoke = json!({ "organizationId": organization, "id": id });
        world.call(&bob, "invitations/revoke", revoke).await.refused(403, "forbidden");
    })
    .await;
}
