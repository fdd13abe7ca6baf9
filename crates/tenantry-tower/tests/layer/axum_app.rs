//! The layer under axum: extractors, and routes that say what they need.

use std::time::Duration;

use axum::{Json, Router, body::Body, routing::get as route};
use serde_json::{Value, json};
use tenantry_tower::{Memberships, Resolved, Tenant, TenantryLayer, require};
use tower::{Service, ServiceExt};

use crate::support::{Answer, World, get};

fn router() -> Router {
    Router::new()
        .route("/tenant", route(async |tenant: Tenant| Json(json!(tenant.organization_name()))))
        .route(
            "/optional",
            route(async |tenant: Option<Tenant>| Json(json!(tenant.map(|tenant| tenant.organization_id())))),
        )
        .route(
            "/memberships",
            route(async |Memberships(all): Memberships| {
                Json(all.into_iter().map(|one| one.organization.name).collect::<Vec<_>>())
            }),
        )
        .route(
            "/caller",
            route(async |resolved: Resolved| Json(json!(resolved.caller().map(|caller| caller.principal().id())))),
        )
        .route("/notes", route(async || Json("notes")).route_layer(require("notes:read")))
}

async fn ask<S>(service: S, path: &str, credential: Option<&str>) -> Answer
where
    S: Service<http::Request<Body>, Response = axum::response::Response, Error = std::convert::Infallible>,
{
    let headers: Vec<_> = credential.map(|credential| ("authorization", credential)).into_iter().collect();
    Answer::read(service.oneshot(get(path, &headers)).await.unwrap()).await
}

async fn both(layer: TenantryLayer, path: &str, credential: Option<&str>) -> (u16, Value) {
    let around = ask(layer.layer(router()), path, credential).await;
    let within = ask(router().layer(layer), path, credential).await;
    assert_eq!((around.status, &around.body), (within.status, &within.body));
    (around.status.as_u16(), around.body)
}

#[tokio::test]
async fn handlers_take_what_the_layer_found() {
    let world = World::new().await;
    world.organization("bob", "Beta").await;
    // Who joins two organizations within a millisecond has them in either order.
    world.clock.advance(Duration::from_millis(1));
    world.join("bob", "member").await;
    let layer = || world.layer().build().unwrap().optional();
    let (ann, bob, zoe) = (world.bearer("ann"), world.bearer("bob"), world.bearer("zoe"));
    assert_eq!(both(layer(), "/tenant", Some(&ann)).await, (200, json!("Acme")));
    assert_eq!(both(layer(), "/tenant", Some(&zoe)).await.0, 403);
    assert_eq!(both(layer(), "/tenant", None).await.0, 401);
    assert_eq!(both(layer(), "/optional", Some(&ann)).await, (200, json!(world.acme)));
    assert_eq!(both(layer(), "/optional", Some(&zoe)).await, (200, Value::Null));
    assert_eq!(both(layer(), "/optional", None).await, (200, Value::Null));
    assert_eq!(both(layer(), "/optional", Some("Bearer x")).await.0, 401);
    assert_eq!(both(layer(), "/memberships", Some(&bob)).await, (200, json!(["Beta", "Acme"])));
    assert_eq!(both(layer(), "/memberships", None).await.0, 401);
    assert_eq!(both(layer(), "/caller", Some(&zoe)).await, (200, json!("zoe")));
    assert_eq!(both(layer(), "/notes", Some(&ann)).await, (200, json!("notes")));
    let token = format!("Bearer {}", world.token(&[], None).await.bearer);
    assert_eq!(both(layer(), "/memberships", Some(&token)).await.0, 403);
    assert_eq!(both(layer(), "/notes", Some(&token)).await.0, 403);
}

#[tokio::test]
async fn a_missing_layer_is_500() {
    for path in ["/tenant", "/optional", "/memberships", "/caller", "/notes"] {
        let answer = ask(router(), path, None).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal"), "{path}");
        assert!(answer.body["correlationId"].is_string());
        assert!(answer.body["detail"].as_str().unwrap().contains("add TenantryLayer around this route"));
    }
}
