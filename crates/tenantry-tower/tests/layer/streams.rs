//! Streams end when their rights end, and learn of every change.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use tenantry_core::{
    access::caller::{Caller, Identity},
    operations::{accounts, members, organizations, tokens},
    store::change::Signal,
    values::{clock::SystemClock, error::Error, ids::UserId, role::RoleName},
};
use tenantry_tower::{Tenant, TenantryLayer};
use tower::{ServiceExt, service_fn};

use crate::support::{World, eventually, get};

/// The tenant as a handler gets it.
async fn tenant(layer: &TenantryLayer, authorization: &str) -> Tenant {
    let found = Arc::new(Mutex::new(None));
    let keeps = found.clone();
    let service = layer.layer(service_fn(move |request: Request<()>| {
        *keeps.lock().unwrap() = request.extensions().get::<Tenant>().cloned();
        future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    service.oneshot(get("/", &[("authorization", authorization)])).await.unwrap();
    let tenant = found.lock().unwrap().take();
    tenant.unwrap()
}

/// Within bounds that no healthy run comes near.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

async fn ended(tenant: &Tenant) -> &'static str {
    within(tenant.ended()).await.code()
}

/// Nothing comes of it while something else goes on for a while.
async fn stays<T: std::fmt::Debug>(stream: impl Future<Output = T>) {
    let waited = tokio::time::timeout(Duration::from_millis(300), stream).await;
    assert!(waited.is_err(), "{waited:?}");
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

#[tokio::test]
async fn a_member_s_stream_learns_their_new_role_and_ends_with_their_removal() {
    let world = World::new().await;
    world.join("bob", "member").await;
    world.join("carol", "member").await;
    let layer = world.layer().build().unwrap();
    let bob = tenant(&layer, &world.bearer("bob")).await;
    let carol = tenant(&layer, &world.bearer("carol")).await;
    let mut changes = Box::pin(bob.changes());
    let role = |role: &str| members::SetRole::new(world.acme, user("bob"), RoleName::new(role).unwrap());
    world.run_elsewhere("ann", &role("admin")).await;
    let admin = within(changes.next()).await.unwrap().unwrap();
    assert_eq!(admin.role().map(RoleName::as_str), Some("admin"));
    assert!(admin.has("members:manage") && !bob.has("members:manage"));
    world.run_elsewhere("ann", &members::Remove::new(world.acme, user("bob"))).await;
    assert_eq!(within(changes.next()).await.unwrap().unwrap_err().code(), "not_found");
    assert!(within(changes.next()).await.is_none());
    assert_eq!(ended(&bob).await, "not_found");
    stays(carol.ended()).await;
}

#[tokio::test]
async fn streams_end_with_what_they_rest_on() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let token = |created: &tenantry_core::wire::ApiTokenCreated| format!("Bearer {}", created.bearer);
    let revoked = world.token(&["notes:read"], None).await;
    let brief = world.token(&["notes:read"], Some(Duration::from_secs(60))).await;
    let by_revoked = tenant(&layer, &token(&revoked)).await;
    let by_brief = tenant(&layer, &token(&brief)).await;
    let ann = tenant(&layer, &world.bearer("ann")).await;
    world.run_elsewhere("ann", &tokens::Revoke::new(world.acme, revoked.key)).await;
    assert_eq!(ended(&by_revoked).await, "invalid_token");
    stays(by_brief.ended()).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(ended(&by_brief).await, "expired_token");
    let status = |status: &str| {
        let input = json!({ "organizationId": world.acme, "status": status });
        serde_json::from_value::<organizations::SetStatus>(input).unwrap()
    };
    world.run_elsewhere("root", &status("suspended")).await;
    assert_eq!(ended(&ann).await, "organization_suspended");
    world.run_elsewhere("root", &status("active")).await;
    let ann = tenant(&layer, &world.bearer("ann")).await;
    world.run_elsewhere("ann", &organizations::Delete::new(world.acme)).await;
    assert_eq!(ended(&ann).await, "not_found");
}

#[tokio::test]
async fn a_stream_ends_when_its_jwt_ends() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let ann = tenant(&layer, &world.bearer("ann")).await;
    stays(ann.ended()).await;
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(ended(&ann).await, "expired_token");
}

#[tokio::test]
async fn a_stream_that_outlives_its_layer_ends() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let ann = tenant(&layer, &world.bearer("ann")).await;
    drop(layer);
    let waiting = ann.ended();
    let mut waiting = std::pin::pin!(waiting);
    stays(waiting.as_mut()).await;
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(within(waiting).await.code(), "unavailable");
}

#[tokio::test]
async fn a_stream_of_a_strict_layer_ends_too() {
    let world = World::new().await;
    world.join("bob", "member").await;
    let layer = world.layer().strict().build().unwrap();
    let bob = tenant(&layer, &world.bearer("bob")).await;
    stays(bob.ended()).await;
    world.run_elsewhere("ann", &members::Remove::new(world.acme, user("bob"))).await;
    assert_eq!(ended(&bob).await, "not_found");
}

#[tokio::test]
async fn a_stream_outlives_a_link_that_comes_back_and_not_one_that_stays_away() {
    let world = World::new().await;
    let layer = world.layer().max_staleness(Duration::from_secs(3)).build().unwrap();
    let ann = tenant(&layer, &world.bearer("ann")).await;
    eventually("the layer listens", async || world.store.listeners() == 1).await;
    world.store.tell(&Signal::LinkLost);
    stays(ann.ended()).await;
    world.store.tell(&Signal::LinkBack);
    stays(ann.ended()).await;
    world.store.tell(&Signal::LinkLost);
    let waiting = ann.ended();
    let mut waiting = std::pin::pin!(waiting);
    stays(waiting.as_mut()).await;
    world.clock.advance(Duration::from_secs(4));
    assert_eq!(within(waiting).await.code(), "unavailable");
    // A link that is frozen says nothing; its last proof grows old.
    world.store.tell(&Signal::LinkBack);
    world.store.tell(&Signal::Proven(tenantry_core::values::clock::Clock::elapsed(&SystemClock)));
    let ann = tenant(&layer, &world.bearer("ann")).await;
    stays(ann.ended()).await;
    world.clock.advance(Duration::from_secs(4));
    assert_eq!(ended(&ann).await, "unavailable");
}

#[tokio::test]
async fn a_thousand_streams_of_one_caller_cost_one_read_after_a_change() {
    let world = World::new().await;
    world.join("bob", "member").await;
    let layer = world.layer().build().unwrap();
    let bob = tenant(&layer, &world.bearer("bob")).await;
    let streams: Vec<_> = (0..1000)
        .map(|_| {
            tokio::spawn({
                let bob = bob.clone();
                async move { bob.changed().await }
            })
        })
        .collect();
    // They are waiting, and ask nobody.
    stays(future::pending::<()>()).await;
    let before = world.store.reads();
    let role = members::SetRole::new(world.acme, user("bob"), RoleName::new("admin").unwrap());
    world.run_elsewhere("ann", &role).await;
    let decided = world.store.reads();
    let changed: Vec<Result<Tenant, Error>> =
        within(future::join_all(streams).map(|all| all.into_iter().map(Result::unwrap).collect())).await;
    assert!(changed.iter().all(|tenant| tenant.as_ref().unwrap().has("members:manage")));
    assert!(decided > before && world.store.reads() <= decided + 1, "{} reads", world.store.reads() - decided);
}

#[tokio::test]
async fn the_stream_of_an_old_secret_ends_with_its_overlap_and_that_of_the_new_one_does_not() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let token = world.token(&["notes:read"], None).await;
    let mut rotate = tokens::Rotate::new(world.acme, token.key);
    rotate.overlap_seconds = Some(60);
    let rotated = world.run("ann", &rotate).await.api_token;
    let old = tenant(&layer, &format!("Bearer {}", token.bearer)).await;
    let new = tenant(&layer, &format!("Bearer {}", rotated.bearer)).await;
    // Both read again, at the same time.
    let both = tokio::spawn({
        let (old, new) = (old.clone(), new.clone());
        async move { future::join(new.changed(), old.changed()).await }
    });
    let mut rename = organizations::Update::new(world.acme);
    rename.name = Some("Renamed".to_owned());
    world.run_elsewhere("ann", &rename).await;
    let (new, old) = within(both).await.unwrap();
    let (new, old) = (new.unwrap(), old.unwrap());
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(ended(&old).await, "expired_token");
    stays(new.ended()).await;
}

#[tokio::test]
async fn a_platform_admin_s_stream_ends_when_the_organization_has_an_owner_again() {
    let world = World::new().await;
    world.join("bob", "member").await;
    world.run("root", &accounts::Forget::new(user("ann"))).await;
    let layer = world.layer().build().unwrap();
    let root = Caller::User(Box::new(Identity::new(user("root")).with_platform_admin()));
    let root = layer.tenant(root, world.acme).await.unwrap();
    stays(root.ended()).await;
    let assign = members::SetRole::new(world.acme, user("bob"), RoleName::new("owner").unwrap());
    world.run_elsewhere("root", &assign).await;
    assert_eq!(ended(&root).await, "forbidden");
}
