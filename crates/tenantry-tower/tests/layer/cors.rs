//! A page of another origin calls the service: tower-http's `CorsLayer` stands outermost.

use std::time::Duration;

use axum::{Router, body::Body, routing::get as route};
use http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE},
};
use tenantry_tower::{Choice, Tenant};
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};
use tower_http::cors::CorsLayer;

use crate::support::World;

const PAGE: &str = "https://app.example.com";

/// As the documentation of the crate has it.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PAGE)])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, Choice::HEADER, HeaderName::from_static("idempotency-key")])
        .expose_headers([
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(Duration::from_secs(3600))
}

fn app(world: &World) -> BoxCloneSyncService<Request<Body>, Response<Body>, std::convert::Infallible> {
    let notes = Router::new().route("/notes", route(async |tenant: Tenant| tenant.organization_name().to_owned()));
    let layer = world.layer().serves(["/notes"]).build().unwrap();
    BoxCloneSyncService::new(cors().layer(layer.layer(notes)))
}

fn values<'a>(response: &'a Response<Body>, name: &str) -> Vec<&'a str> {
    let values = response.headers().get_all(name).iter();
    values.flat_map(|value| value.to_str().unwrap().split(',').map(str::trim)).collect()
}

#[tokio::test]
async fn a_preflight_is_answered_before_a_credential_is_asked_for() {
    let world = World::new().await;
    let preflight = Request::options("/notes")
        .header(ORIGIN, PAGE)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,x-organization-id")
        .body(Body::empty())
        .unwrap();
    let response = app(&world).oneshot(preflight).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(values(&response, "access-control-allow-origin"), [PAGE]);
    let allowed = values(&response, "access-control-allow-headers");
    for header in ["authorization", "x-organization-id", "idempotency-key", "content-type"] {
        assert!(allowed.contains(&header), "{allowed:?}");
    }
}

#[tokio::test]
async fn a_page_can_read_why_it_is_refused() {
    let world = World::new().await;
    let ann = world.bearer("ann");
    for (path, credential, organization, status) in [
        ("/notes", None, None, 401),
        ("/notes", Some("Bearer x"), None, 401),
        ("/notes", Some(ann.as_str()), Some("No Slug"), 400),
        ("/notes", Some(&ann), Some("elsewhere"), 404),
        ("/favicon.ico", None, None, 404),
        ("/notes", Some(&ann), None, 200),
    ] {
        let mut request = Request::get(path).header(ORIGIN, PAGE);
        for (name, value) in [("authorization", credential), ("x-organization-id", organization)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let response = app(&world).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{path} {credential:?}");
        assert_eq!(values(&response, "access-control-allow-origin"), [PAGE], "{path} {credential:?}");
        assert!(values(&response, "access-control-expose-headers").contains(&"www-authenticate"));
        // Both say by what the answer was decided.
        let vary = values(&response, "vary");
        for header in ["origin", "authorization", "x-organization-id"] {
            assert!(vary.contains(&header), "{vary:?}");
        }
    }
}
