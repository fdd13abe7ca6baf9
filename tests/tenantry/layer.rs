//! A route behind the layer: who comes through, into which organization.

use reqwest::Method;
use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_user_is_led_into_the_organization_that_they_mean() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        world.whoami(&alice, None).await.refused(403, "no_organization");
        let first = world.organization(&alice).await;
        let who = world.whoami(&alice, None).await.ok();
        let expected = json!({
            "organizationId": first, "organization": "Acme", "principal": { "kind": "user", "id": "alice" },
            "role": "owner", "roles": ["owner"],
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&who[field], value);
        }
        let second = world.organization(&alice).await;
        let refused = world.whoami(&alice, None).await;
        assert_eq!(refused.body["errors"][0]["field"], "X-Organization-Id");
        refused.refused(400, "organization_required");
        assert_eq!(world.whoami(&alice, Some(&second)).await.ok()["organizationId"], second);
        let shown = world.call(&alice, "get", json!({ "organizationId": second })).await.ok();
        let slug = shown["organization"]["slug"].as_str().unwrap();
        assert_eq!(world.whoami(&alice, Some(slug)).await.ok()["organizationId"], second);
        for other in [first.as_str(), slug, "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "no-such-slug"] {
            world.whoami(&bob, Some(other)).await.refused(404, "not_found");
        }
        world.whoami(&alice, Some("No Slug")).await.names_field("X-Organization-Id");
    })
    .await;
}

#[tokio::test]
async fn a_token_leads_into_its_own_organization_and_no_other() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let elsewhere = world.organization(&dave).await;
        let token = world.token(&alice, &organization, &["notes:write"]).await;
        assert_eq!(world.whoami(&token, None).await.ok()["organizationId"], organization);
        world.whoami(&token, Some(&organization)).await.ok();
        world.whoami(&token, Some(&elsewhere)).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_route_needs_the_permission_that_stands_at_it() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "writer").await;
        world.join(&alice, &organization, &carol, "member").await;
        let write = async |actor: &Actor| world.send(actor, world.request(Method::POST, "/notes")).await;
        assert_eq!(write(&alice).await.ok(), "written");
        assert_eq!(write(&bob).await.ok(), "written");
        let refused = write(&carol).await;
        refused.refused(403, "forbidden");
        assert!(refused.body["detail"].as_str().unwrap().contains("notes:write"));
        write(&Actor::nobody()).await.refused(401, "unauthenticated");
        let token = world.token(&alice, &organization, &["notes:write"]).await;
        assert_eq!(write(&token).await.ok(), "written");
        let token = world.token(&alice, &organization, &["org:view"]).await;
        write(&token).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_served_is_404_whoever_asks() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        world.organization(&alice).await;
        let mut bad = Actor::nobody();
        bad.authorization = Some("Bearer x".to_owned());
        for actor in [&Actor::nobody(), &bad, &bob, &alice] {
            for path in ["/favicon.ico", "/", "/whoami/", "/.well-known/security.txt"] {
                for method in [Method::GET, Method::POST, Method::OPTIONS] {
                    world.send(actor, world.request(method, path)).await.refused(404, "not_found");
                }
                let head = world.send(actor, world.request(Method::HEAD, path)).await;
                assert_eq!((head.status.as_u16(), head.body), (404, json!("")));
            }
        }
        // What is served says who may come in, and for whom it answers.
        world.send(&Actor::nobody(), world.request(Method::GET, "/whoami")).await.refused(401, "unauthenticated");
        world.send(&bad, world.request(Method::GET, "/whoami")).await.refused(401, "invalid_token");
        world.whoami(&bob, None).await.refused(403, "no_organization");
        for actor in [&Actor::nobody(), &alice] {
            let answer = world.send(actor, world.request(Method::GET, "/whoami")).await;
            assert_eq!(answer.headers["vary"], "authorization, x-organization-id");
        }
    })
    .await;
}
