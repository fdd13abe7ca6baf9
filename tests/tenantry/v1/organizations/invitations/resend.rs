//! `POST /v1/organizations/invitations/resend`

use std::time::Duration;

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

const LATER: u64 = 4_000_000_000;

#[tokio::test]
async fn the_new_token_works_and_the_old_one_is_dead() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(|name| Actor::with_claims(name, &json!({ "exp": LATER })));
        let organization = world.organization(&alice).await;
        let invite = json!({ "organizationId": organization, "email": zoe.email(), "role": "writer" });
        let created = world.call(&alice, "invitations/create", invite).await.ok();
        world.clock.advance(Duration::from_secs(8 * 24 * 3600));
        let named = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
        let resent = world.call(&alice, "invitations/resend", named).await.ok();
        assert_ne!(resent["token"], created["token"]);
        for field in ["id", "number", "email", "roles", "createdAt", "invitedBy"] {
            assert_eq!(resent["invitation"][field], created["invitation"][field], "{field}");
        }
        assert_eq!(resent["invitation"]["status"], "pending");
        let old = json!({ "token": created["token"] });
        world.call(&zoe, "invitations/accept", old.clone()).await.refused(404, "not_found");
        world.call(&zoe, "invitations/decline", old).await.refused(404, "not_found");
        let joined = world.call(&zoe, "invitations/accept", json!({ "token": resent["token"] })).await.ok();
        assert_eq!(joined["role"], "writer");
    })
    .await;
}

#[tokio::test]
async fn nobody_renews_above_themselves() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        for (role, who) in [("owner", &bob), ("admin", &carol)] {
            let invite = json!({ "organizationId": organization, "username": role, "role": role });
            let created = world.call(&alice, "invitations/create", invite).await.ok();
            let resend = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
            world.call(who, "invitations/resend", resend).await.refused(403, "grant_exceeds_own");
            let invited = Actor::user(role);
            world.call(&invited, "invitations/accept", json!({ "token": created["token"] })).await.ok();
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_answered_or_withdrawn_is_not_resent() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        for (how, code) in [("accept", "used"), ("decline", "revoked"), ("revoke", "revoked")] {
            let invite = json!({ "organizationId": organization, "username": how });
            let created = world.call(&alice, "invitations/create", invite).await.ok();
            let named = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
            match how {
                "revoke" => world.call(&alice, "invitations/revoke", named.clone()).await.ok(),
                how => {
                    let answer = json!({ "token": created["token"] });
                    world.call(&Actor::user(how), &format!("invitations/{how}"), answer).await.ok()
                }
            };
            world.call(&alice, "invitations/resend", named).await.refused(410, code);
        }
    })
    .await;
}

#[tokio::test]
async fn what_ended_when_somebody_came_by_another_way_is_not_resent() {
    on_every_store(async |world| {
        let [alice, zoe, dave] = ["alice", "zoe", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let elsewhere = world.organization(&dave).await;
        let invite = json!({ "organizationId": organization, "email": zoe.email() });
        let created = world.call(&alice, "invitations/create", invite).await.ok();
        let resend = |organization: &str| json!({ "organizationId": organization, "id": created["invitation"]["id"] });
        world.call(&dave, "invitations/resend", resend(&elsewhere)).await.refused(404, "not_found");
        world.call(&dave, "invitations/resend", resend(&organization)).await.refused(404, "not_found");
        let mut late = resend(&organization);
        late["expiresAt"] = json!("2020-01-01T00:00:00Z");
        world.call(&alice, "invitations/resend", late).await.names_field("expiresAt");
        world.join(&alice, &organization, &zoe, "member").await;
        world.call(&alice, "invitations/resend", resend(&organization)).await.refused(410, "used");
    })
    .await;
}
