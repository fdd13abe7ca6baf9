//! Users of two issuers are two users, whatever they are called: on the router, behind the layer, and in what is kept.

use serde_json::{Value, json};
use tenantry::jwt::{Algorithm, ClaimNames, Issuer, Key};

use crate::{
    actors::{Actor, JWT_SECRET},
    world::{World, embedded, issuer, new_namespace, redis},
};

const PARTNER: &str = "https://partner.example";
const PARTNERS_SECRET: &str = "the partner's secret of thirty-two bytes or more";

/// An issuer that came later, and vouches for no address.
fn partner() -> Issuer {
    Issuer::new(PARTNER, Key::new(Algorithm::Hs256, PARTNERS_SECRET))
        .audience("tests")
        .qualified_ids()
        .claims(ClaimNames::new().no_verified_email())
}

/// Whom the partner calls `name`, with what it says of them.
fn partners(name: &str, other: &Value) -> Actor {
    let mut claims = json!({ "iss": PARTNER });
    claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    Actor { id: format!("iss:{PARTNER}#{name}"), ..Actor::signed_by(PARTNERS_SECRET, name, &claims) }
}

async fn on_every_store(test: impl AsyncFn(World)) {
    for store in [embedded(), redis(&new_namespace()).await] {
        test(World::believing(store, vec![issuer(), partner()]).await).await;
    }
}

#[tokio::test]
async fn the_users_of_two_issuers_are_two_users() {
    on_every_store(async |world| {
        let (alice, other) = (Actor::user("alice"), partners("alice", &json!({})));
        let acme = world.organization(&alice).await;
        // The second time, both are remembered.
        for _ in 0..2 {
            assert_eq!(world.whoami(&alice, None).await.ok()["principal"]["id"], "alice");
            world.whoami(&other, None).await.refused(403, "no_organization");
            world.whoami(&other, Some(&acme)).await.refused(404, "not_found");
        }
        assert_eq!(world.call(&other, "list", json!({})).await.ok()["organizations"], json!([]));
        for operation in ["get", "delete", "leave", "members/list", "roles"] {
            let answer = world.call(&other, operation, json!({ "organizationId": acme })).await;
            assert_eq!(answer.status, 404, "{operation}: {}", answer.body);
        }
        let theirs = world.organization(&other).await;
        let got = world.call(&other, "get", json!({ "organizationId": theirs })).await.ok();
        assert_eq!(got["organization"]["owner"], json!(other.id));
        world.call(&alice, "get", json!({ "organizationId": theirs })).await.refused(404, "not_found");
        assert_eq!(world.whoami(&other, None).await.ok()["principal"]["id"], json!(other.id));
        world.whoami(&alice, Some(&theirs)).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn an_operation_names_a_user_by_the_whole_id() {
    on_every_store(async |world| {
        let (alice, other) = (Actor::user("alice"), partners("alice", &json!({})));
        let acme = world.organization(&alice).await;
        world.join(&alice, &acme, &other, "writer").await;
        assert_eq!(world.whoami(&other, None).await.ok()["role"], "writer");
        let whole = json!({ "organizationId": acme, "userId": other.id });
        let member = world.call(&alice, "members/get", whole.clone()).await.ok();
        assert_eq!((&member["member"]["userId"], &member["member"]["role"]), (&json!(other.id), &json!("writer")));
        let members = world.call(&alice, "members/list", json!({ "organizationId": acme })).await.ok();
        assert_eq!(members["members"].as_array().unwrap().len(), 2);
        world.call(&alice, "members/remove", whole).await.ok();
        world.call(&other, "get", json!({ "organizationId": acme })).await.refused(404, "not_found");
        assert_eq!(world.whoami(&alice, None).await.ok()["role"], "owner");
    })
    .await;
}

#[tokio::test]
async fn a_key_of_one_issuer_signs_for_no_other() {
    on_every_store(async |world| {
        let acme = world.organization(&Actor::user("alice")).await;
        for forged in [
            Actor::signed_by(PARTNERS_SECRET, "alice", &json!({})),
            Actor::signed_by(JWT_SECRET, "alice", &json!({ "iss": PARTNER })),
            // Nor may a sub read like another issuer's user.
            Actor::user(&format!("iss:{PARTNER}#alice")),
        ] {
            world.whoami(&forged, Some(&acme)).await.refused(401, "invalid_token");
            world.call(&forged, "list", json!({})).await.refused(401, "invalid_token");
        }
    })
    .await;
}

#[tokio::test]
async fn an_issuer_vouches_for_nothing_that_the_host_does_not_believe_of_it() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let acme = world.organization(&alice).await;
        let invite = async |to: Value| {
            let mut input = json!({ "organizationId": acme, "role": "admin" });
            input.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
            world.call(&alice, "invitations/create", input).await.ok()
        };
        let mailed = invite(json!({ "email": "bob@example.com" })).await;
        let named = invite(json!({ "username": "bob" })).await;
        let claims = json!({
            "email": "bob@example.com", "email_verified": true, "preferred_username": "bob", "username": "bob",
            "platform_admin": true,
        });
        let (bob, other) = (Actor::with_claims("bob", &claims), partners("bob", &claims));
        assert_eq!(world.call(&other, "invitations/mine", json!({})).await.ok()["invitations"], json!([]));
        for invited in [&mailed, &named] {
            let token = json!({ "token": invited["token"] });
            assert_eq!(world.call(&other, "invitations/accept", token.clone()).await.status, 403);
            assert_eq!(world.call(&other, "invitations/decline", token).await.status, 403);
            let id = json!({ "id": invited["invitation"]["id"] });
            assert_ne!(world.call(&other, "invitations/accept", id).await.status, 200);
        }
        let suspend = json!({ "organizationId": acme, "status": "suspended" });
        assert_ne!(world.call(&other, "set-status", suspend.clone()).await.status, 200);
        world.whoami(&other, Some(&acme)).await.refused(404, "not_found");
        // The host's own issuer is believed all of it.
        let mine = world.call(&bob, "invitations/mine", json!({})).await.ok();
        assert_eq!(mine["invitations"].as_array().unwrap().len(), 2);
        world.call(&bob, "set-status", suspend).await.ok();
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_for_the_users_of_an_issuer_stays_theirs_whoever_comes_and_goes() {
    for store in [embedded(), redis(&new_namespace()).await] {
        let (alice, other) = (Actor::user("alice"), partners("alice", &json!({})));
        let first = World::believing(store.clone(), vec![issuer()]).await;
        let acme = first.organization(&alice).await;
        first.whoami(&other, None).await.refused(401, "invalid_token");

        let both = World::believing(store.clone(), vec![partner(), issuer()]).await;
        assert_eq!(both.whoami(&alice, None).await.ok()["organizationId"], json!(acme));
        let theirs = both.organization(&other).await;

        let second = World::believing(store.clone(), vec![partner()]).await;
        assert_eq!(second.whoami(&other, None).await.ok()["organizationId"], json!(theirs));
        second.whoami(&other, Some(&acme)).await.refused(404, "not_found");
        second.whoami(&alice, None).await.refused(401, "invalid_token");

        let again = World::believing(store, vec![issuer()]).await;
        assert_eq!(again.whoami(&alice, None).await.ok()["organizationId"], json!(acme));
        again.whoami(&alice, Some(&theirs)).await.refused(404, "not_found");
    }
}
