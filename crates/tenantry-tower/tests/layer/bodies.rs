//! The layer and `require` work around any body, and a refusal has the form that the host gives it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use tenantry_core::values::error::ErrorKind;
use tenantry_tower::{BodyKind, TenantryLayer, require};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_http::trace::TraceLayer;

use crate::support::{Answer, World, get};

/// A body that cannot be made of bytes, as tonic's cannot.
struct Own(Full<Bytes>);

impl http_body::Body for Own {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

async fn answers<S, B>(service: S, world: &World) -> Vec<String>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let mut answers = Vec::new();
    for bearer in [Some(world.bearer("ann")), Some(world.bearer("bob")), None] {
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let answer = Answer::read(service.clone().oneshot(get("/", &headers)).await.unwrap()).await;
        let said = answer.body.as_str().or(answer.body["code"].as_str()).unwrap().to_owned();
        answers.push(format!("{} {said}", answer.status.as_u16()));
    }
    answers
}

const EXPECTED: [&str; 3] = ["200 notes", "403 no_organization", "401 unauthenticated"];

#[tokio::test]
async fn the_layer_and_require_work_around_any_body() {
    let world = World::new().await;
    let layer = || ServiceBuilder::new().layer(world.layer().build().unwrap()).layer(require("org:view"));
    let own = layer().service_fn(async |_: Request<Full<Bytes>>| Ok(Response::new(Own(Full::from("notes")))));
    assert_eq!(answers(own, &world).await, EXPECTED);
    let boxed = layer().service_fn(async |_: Request<Full<Bytes>>| {
        Ok(Response::new(BoxBody::<Bytes, Infallible>::new(Full::from("notes"))))
    });
    assert_eq!(answers(boxed, &world).await, EXPECTED);
    let traced = layer()
        .layer(TraceLayer::new_for_http())
        .service_fn(async |_: Request<Full<Bytes>>| Ok(Response::new(Full::<Bytes>::from("notes"))));
    assert_eq!(answers(traced, &world).await, EXPECTED);
    let outside = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .service(layer().service_fn(async |_: Request<Full<Bytes>>| Ok(Response::new(Full::<Bytes>::from("notes")))));
    assert_eq!(answers(outside, &world).await, EXPECTED);
}

#[tokio::test]
async fn a_body_that_is_made_of_bytes_keeps_its_type() {
    let world = World::new().await;
    let inner = tower::service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("notes")))
    });
    let service = world.layer().build().unwrap().layer(inner);
    let response: Response<Full<Bytes>> = service.clone().oneshot(get("/", &[])).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(answers(service, &world).await, EXPECTED);
}

#[tokio::test]
async fn the_body_of_a_refusal_tells_its_length() {
    use http_body::Body as _;
    let bytes = Bytes::from_static(b"refused");
    let body = <tenantry_tower::AnyBody as BodyKind<Own>>::refusal(bytes.clone());
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(7), false));
    assert_eq!(body.collect().await.unwrap().to_bytes(), bytes);
    let empty = <tenantry_tower::AnyBody as BodyKind<Own>>::refusal(Bytes::new());
    assert!(empty.is_end_stream());
    assert_eq!(empty.collect().await.unwrap().to_bytes(), "");
}

fn redirecting(world: &World) -> TenantryLayer {
    let layer = world.layer().refuse_with(|error, head| {
        let page = match error.kind() {
            ErrorKind::Unauthenticated | ErrorKind::InvalidToken => "/login".to_owned(),
            ErrorKind::NoOrganization => "/organizations".to_owned(),
            ErrorKind::Forbidden => format!("/lacking/{}", error.permission()?),
            _ => return None,
        };
        let accepts = head.header(&header::ACCEPT)?;
        accepts
            .contains("text/html")
            .then(|| Response::builder().status(303).header(header::LOCATION, page).body(Bytes::new()).unwrap())
    });
    layer.build().unwrap()
}

#[tokio::test]
async fn a_host_gives_refusals_its_own_form() {
    let world = World::new().await;
    let service = ServiceBuilder::new()
        .layer(redirecting(&world))
        .layer(require("notes:write"))
        .service_fn(async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Own(Full::from("notes")))));
    world.join("carol", "member").await;
    let [bob, carol] = ["bob", "carol"].map(|user| world.bearer(user));
    for (authorization, page, code) in [
        (None, "/login", "unauthenticated"),
        (Some("Bearer nonsense"), "/login", "invalid_token"),
        (Some(bob.as_str()), "/organizations", "no_organization"),
        (Some(carol.as_str()), "/lacking/notes:write", "forbidden"),
    ] {
        for (accept, is_page) in [("text/html,*/*", true), ("application/json", false)] {
            let mut headers = vec![("accept", accept)];
            headers.extend(authorization.map(|value| ("authorization", value)));
            // Also when it is remembered.
            for _ in 0..2 {
                let response = service.clone().oneshot(get("/", &headers)).await.unwrap();
                assert_eq!(response.headers()["vary"], "authorization, x-organization-id");
                if is_page {
                    assert_eq!(
                        (response.status().as_u16(), &response.headers()["location"]),
                        (303, &page.parse().unwrap())
                    );
                } else {
                    assert_eq!(Answer::read(response).await.code(), code);
                }
            }
        }
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn extractors_refuse_in_the_host_s_form_too() {
    use axum::{Router, body::Body, routing::get as route};
    use tenantry_tower::Tenant;

    let world = World::new().await;
    let layer = redirecting(&world).optional();
    let app = Router::new().route("/", route(async |_: Tenant| "in")).layer(layer);
    let response = app.oneshot(get::<Body>("/", &[("accept", "text/html")])).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (303, "/login"));
}
