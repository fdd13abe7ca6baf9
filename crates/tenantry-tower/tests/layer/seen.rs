//! What a host sees of a request: the fields of its span, and why it was refused.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::trace::TraceLayer;
use tracing::field::Empty;

use crate::{
    secrecy::Lines,
    support::{World, get},
};

type Body = Full<Bytes>;

#[tokio::test]
async fn the_request_s_own_span_tells_who_is_calling_and_where() {
    let (lines, _guard) = Lines::listen();
    let world = World::new().await;
    let trace = TraceLayer::new_for_http().make_span_with(|_: &Request<Body>| {
        tracing::info_span!("request", organization.id = Empty, principal.kind = Empty, principal.id = Empty)
    });
    let layer = world.layer().build().unwrap();
    let handler = async |_: Request<Body>| {
        tracing::info!("in the handler");
        Ok::<_, Infallible>(Response::new(Body::default()))
    };
    let service = ServiceBuilder::new().layer(trace).layer(layer.clone()).service_fn(handler);
    let token = world.token(&["notes:read"], None).await;
    let by_token = format!("Bearer {}", token.bearer);
    for (credential, kind, id) in
        [(world.bearer("ann"), "user", "ann".to_owned()), (by_token, "apiToken", token.key.to_string())]
    {
        // Also when the answer is known.
        for _ in 0..2 {
            service.clone().oneshot(get("/", &[("authorization", &credential)])).await.unwrap();
            let log = lines.text();
            let line = log.lines().rfind(|line| line.contains("in the handler")).unwrap();
            let expected = format!("organization.id={} principal.kind={kind:?} principal.id={id:?}", world.acme);
            assert!(line.contains(&expected), "{line}");
        }
    }
    let without = ServiceBuilder::new().layer(TraceLayer::new_for_http()).layer(layer).service_fn(handler);
    without.oneshot(get("/", &[("authorization", &world.bearer("ann"))])).await.unwrap();
    assert!(!lines.text().lines().rfind(|line| line.contains("in the handler")).unwrap().contains("principal"));
}

#[tokio::test]
async fn a_refusal_is_an_event_that_holds_no_secret() {
    let (lines, _guard) = Lines::listen();
    let world = World::new().await;
    let service = world.layer().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(service)
        .service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::default())));
    service.oneshot(get("/", &[("authorization", "Bearer hunter2-password")])).await.unwrap();
    let log = lines.text();
    let line = log.lines().find(|line| line.contains("a request was refused")).unwrap();
    assert!(line.contains("DEBUG") && line.contains("code=\"invalid_token\"") && line.contains("status=401"), "{line}");
    assert!(!log.contains("hunter2"), "{log}");
}
