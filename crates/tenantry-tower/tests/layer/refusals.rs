//! A refusal is remembered as long as it is true, for a short time, and at nobody else's cost.

use std::time::Duration;

use http::{Request, header::AUTHORIZATION};
use serde_json::json;
use tenantry_core::operations::{organizations, tokens};

use crate::support::{Service, World, ask_clone, eventually, get, plain};

/// A service whose layer hears from the store.
async fn listening(world: &World, capacity: u64) -> Service {
    let service = plain(&world.layer().capacity(capacity).build().unwrap());
    let ann = world.bearer("ann");
    world.until_remembered(&service, || get("/", &[("authorization", &ann)])).await;
    service
}

/// What changes Acme so.
fn update(world: &World, change: &serde_json::Value) -> organizations::Update {
    let mut input = change.clone();
    input["organizationId"] = json!(world.acme);
    serde_json::from_value(input).unwrap()
}

/// How many reads it takes to be refused so, ten times.
async fn reads(world: &World, service: &Service, request: impl Fn() -> Request<()>, code: &str) -> usize {
    let before = world.store.reads();
    for _ in 0..10 {
        assert_eq!(ask_clone(service, request()).await.code(), code);
    }
    world.store.reads() - before
}

#[tokio::test]
async fn a_refusal_that_was_read_is_not_read_again() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let token = world.token(&[], None).await;
    let unknown = world.token(&[], None).await;
    world.run("ann", &tokens::Revoke::new(world.acme, unknown.key)).await;
    let (acme, bob) = (world.acme.to_string(), world.bearer("bob"));
    let wrong_secret = format!("Bearer {}:{}", token.key, unknown.bearer.rsplit(':').next().unwrap());
    let unknown = format!("Bearer {}", unknown.bearer);
    for (credential, organization, code) in [
        (&wrong_secret, None, "invalid_token"),
        (&unknown, None, "invalid_token"),
        (&format!("Bearer {}", token.bearer), Some("elsewhere"), "not_found"),
        (&bob, Some(acme.as_str()), "not_found"),
    ] {
        let request = || {
            let organization = organization.map(|organization| ("x-organization-id", organization));
            let headers: Vec<_> =
                [Some(("authorization", credential.as_str())), organization].into_iter().flatten().collect();
            get("/", &headers)
        };
        assert_eq!(reads(&world, &service, request, code).await, 1, "{organization:?}");
        world.clock.advance(Duration::from_secs(5));
        assert_eq!(reads(&world, &service, request, code).await, 1, "it is looked at again after five seconds");
    }
    // Who belongs to nothing is told so without any organization's being read.
    assert_eq!(reads(&world, &service, || get("/", &[("authorization", &bob)]), "no_organization").await, 0);
}

#[tokio::test]
async fn a_refusal_ends_when_it_is_no_more_so() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let acme = world.acme.to_string();
    let bob = world.bearer("bob");
    let of_acme = || get("/", &[("authorization", &bob), ("x-organization-id", &acme)]);
    let of_his_only = || get("/", &[("authorization", &bob)]);
    assert_eq!(ask_clone(&service, of_acme()).await.status, 404);
    assert_eq!(ask_clone(&service, of_his_only()).await.status, 403);
    world.join("bob", "member").await;
    assert_eq!(ask_clone(&service, of_acme()).await.status, 200);
    assert_eq!(ask_clone(&service, of_his_only()).await.status, 200);

    // What is done on another node is seen when its notice has come.
    let token = world.token(&[], None).await;
    let credential = format!("Bearer {}", token.bearer);
    let by_token = || Request::get("/").header(AUTHORIZATION, &credential).body(()).unwrap();
    for (status, refused) in [("suspended", true), ("active", false)] {
        let input = json!({ "organizationId": world.acme, "status": status });
        let set: organizations::SetStatus = serde_json::from_value(input).unwrap();
        world.run_elsewhere("root", &set).await;
        for request in [&of_acme as &(dyn Fn() -> Request<()> + Sync), &by_token] {
            eventually("the notice comes", async || {
                (ask_clone(&service, request()).await.code() == "organization_suspended") == refused
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_slug_is_found_as_soon_as_it_is_taken() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let ann = world.bearer("ann");
    let request = || get("/", &[("authorization", &ann), ("x-organization-id", "later")]);
    assert_eq!(ask_clone(&service, request()).await.status, 404);
    world.run_elsewhere("ann", &update(&world, &json!({ "slug": "later" }))).await;
    assert_eq!(ask_clone(&service, request()).await.status, 200);

    // And means the next organization that has it, once the first has given it up.
    world.run("ann", &update(&world, &json!({ "slug": "earlier" }))).await;
    let next = world.organization("ann", "Later").await;
    assert_ne!(next, world.acme);
    assert_eq!(ask_clone(&service, request()).await.body["organization"], "Later");
}

#[tokio::test]
async fn a_refusal_by_slug_is_read_once_also_while_others_change_things() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let bob = world.bearer("bob");
    let ask = || {
        let (service, bob) = (service.clone(), bob.clone());
        let request = get("/", &[("authorization", &bob), ("x-organization-id", "acme")]);
        tokio::spawn(async move { ask_clone(&service, request).await.status.as_u16() })
    };
    world.store.hold_next();
    let first = ask();
    eventually("the read is held", async || world.store.held() == 1).await;
    // The engine tells the layer of it at once.
    world.organization("zed", "Elsewhere").await;
    let before = world.store.reads();
    world.store.release();
    assert_eq!(first.await.unwrap(), 404);
    assert_eq!(world.store.reads(), before, "it was read after the request came: it is right");

    // Those who came after the read had begun have it read once more, together, and are answered by that.
    world.store.hold_next();
    let first = ask();
    eventually("the read is held", async || world.store.held() == 1).await;
    world.organization("zed", "Elsewhere 2").await;
    let joined: Vec<_> = (0..10).map(|_| ask()).collect();
    run_others().await;
    let before = world.store.reads();
    world.store.release();
    world.store.hold_next();
    assert_eq!(first.await.unwrap(), 404);
    eventually("the second read is held", async || world.store.held() == 1).await;
    run_others().await;
    assert_eq!(world.store.reads() - before, 1);
    world.organization("zed", "Elsewhere 3").await;
    let before = world.store.reads();
    world.store.release();
    for one in joined {
        assert_eq!(one.await.unwrap(), 404);
    }
    assert_eq!(world.store.reads(), before);
}

/// On this one thread, all other tasks go on until each of them waits.
async fn run_others() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn wrong_credentials_push_out_no_right_ones() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let users: Vec<String> = (0..10).map(|number| format!("user-{number}")).collect();
    let mut requests = Vec::new();
    for user in &users {
        world.join(user, "member").await;
        requests.push(world.bearer(user));
    }
    let request = |credential: &str| Request::get("/").header(AUTHORIZATION, credential).body(()).unwrap();
    let token = world.token(&[], None).await;
    let (key, secret) = token.bearer.split_once(':').unwrap();
    // When the last notice has come, all have, and none makes an answer stale any more.
    world.run_elsewhere("ann", &update(&world, &json!({ "name": "Acme 2" }))).await;
    let renamed = async || ask_clone(&service, request(&requests[0])).await.body["organization"] == "Acme 2";
    eventually("the last notice has come", renamed).await;
    for credential in &requests {
        assert_eq!(ask_clone(&service, request(credential)).await.status, 200);
    }
    let before = world.store.reads();
    let mut wrong = 0;
    for place in 3..secret.len() {
        for letter in
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().filter(|letter| !secret[place..].starts_with(*letter))
        {
            let mut guess = secret.to_owned();
            guess.replace_range(place..=place, &letter.to_string());
            assert_eq!(ask_clone(&service, request(&format!("Bearer {key}:{guess}"))).await.status, 401);
            wrong += 1;
        }
    }
    assert!(wrong > 1000, "{wrong}");
    assert!(world.store.reads() - before <= wrong, "one read each, at most");
    let before = world.store.reads();
    for credential in &requests {
        assert_eq!(ask_clone(&service, request(credential)).await.status, 200);
    }
    assert_eq!(world.store.reads(), before, "what was known is known still");
}

#[tokio::test]
async fn that_the_store_was_away_is_not_remembered() {
    let world = World::new().await;
    let service = listening(&world, 100).await;
    let token = world.token(&[], None).await;
    let request = || get("/", &[("authorization", &format!("Bearer {}", token.bearer))]);
    world.store.go_away();
    assert_eq!(ask_clone(&service, request()).await.status, 503);
    world.store.come_back();
    assert_eq!(ask_clone(&service, request()).await.status, 200);
}
