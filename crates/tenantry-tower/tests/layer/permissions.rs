//! What a route needs.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tenantry_tower::require;
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{Answer, World, get};

async fn reached(_: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("\"reached\"")))
}

#[tokio::test]
async fn a_route_is_for_those_who_hold_its_permission() {
    let world = World::new().await;
    let service =
        ServiceBuilder::new().layer(world.layer().build().unwrap()).layer(require("notes:write")).service_fn(reached);
    let ask = async |credential: &str| {
        let answer = service.clone().oneshot(get("/", &[("authorization", credential)])).await.unwrap();
        Answer::read(answer).await
    };
    assert_eq!(ask(&world.bearer("ann")).await.status, 200);
    let held = world.token(&["notes:write"], None).await;
    assert_eq!(ask(&format!("Bearer {}", held.bearer)).await.status, 200);
    let lacking = world.token(&["notes:read"], None).await;
    let answer = ask(&format!("Bearer {}", lacking.bearer)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (403, "forbidden"));
    assert!(answer.body["detail"].as_str().unwrap().contains("notes:write"));
    let challenge = r#"Bearer realm="tenantry", error="insufficient_scope", scope="notes:write""#;
    assert_eq!(answer.headers["www-authenticate"], challenge);
}

#[tokio::test]
async fn where_the_layer_is_optional_a_permission_still_needs_a_tenant() {
    let world = World::new().await;
    let service = ServiceBuilder::new()
        .layer(world.layer().build().unwrap().optional())
        .layer(require("notes:write"))
        .service_fn(reached);
    let ask =
        async |headers: &[(&str, &str)]| Answer::read(service.clone().oneshot(get("/", headers)).await.unwrap()).await;
    assert_eq!(ask(&[]).await.status, 401);
    assert_eq!(ask(&[("authorization", &world.bearer("zoe"))]).await.status, 403);
    assert_eq!(ask(&[("authorization", &world.bearer("ann"))]).await.status, 200);
}

#[tokio::test]
async fn a_permission_that_nobody_registered_opens_nothing() {
    let world = World::new().await;
    let service =
        ServiceBuilder::new().layer(world.layer().build().unwrap()).layer(require("notes:burn")).service_fn(reached);
    let request = get("/", &[("authorization", &world.bearer("ann"))]);
    let answer = Answer::read(service.oneshot(request).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal"));
    assert!(answer.body["correlationId"].is_string());
    assert!(!answer.body.to_string().contains("notes:burn"));
    let bare = ServiceBuilder::new().layer(require("notes:write")).service_fn(reached);
    assert_eq!(bare.oneshot(get("/", &[])).await.unwrap().status(), 500);
}
