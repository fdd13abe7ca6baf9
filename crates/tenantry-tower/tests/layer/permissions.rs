//! What a route needs.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tenantry_tower::{require, require_all, require_any, require_user};
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

#[tokio::test]
async fn a_route_may_need_all_of_several_permissions_or_any_or_a_person() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let both = ["notes:read", "notes:write"];
    let (reader, writer) = (world.token(&both[..1], None).await, world.token(&both, None).await);
    let [reader, writer] = [reader, writer].map(|token| format!("Bearer {}", token.bearer));
    let none = format!("Bearer {}", world.token(&[], None).await.bearer);
    let ann = world.bearer("ann");
    for (needed, allowed) in [
        (require_all(both), [false, true, false, true]),
        (require_any(both), [true, true, false, true]),
        (require_user(), [false, false, false, true]),
        (require_all::<&str>([]), [true; 4]),
        (require_any::<&str>([]), [false; 4]),
    ] {
        let service = ServiceBuilder::new().layer(layer.clone()).layer(needed.clone()).service_fn(reached);
        for (credential, allowed) in [&reader, &writer, &none, &ann].into_iter().zip(allowed) {
            let answer = service.clone().oneshot(get("/", &[("authorization", credential)])).await.unwrap();
            assert_eq!(answer.status(), if allowed { 200 } else { 403 }, "{needed:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_misspelt_is_found_when_the_service_starts() {
    let world = World::new().await;
    let registry = world.engine.registry();
    assert!(require("notes:write").checked(registry).is_ok());
    for misspelt in [require("notes:wirte"), require_any(["notes:write", "notes:wirte"])] {
        assert!(misspelt.checked(registry).unwrap_err().to_string().contains("\"notes:wirte\""));
    }
}
