//! Caches are told by which headers an answer was decided.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderName, Request, Response, header::VARY};
use http_body_util::Full;
use tenantry_tower::{Choice, TenantryLayer};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{World, get};

/// What a service answers that sets `Vary` itself, and its status.
async fn asked(layer: TenantryLayer, own: Option<&'static str>, headers: &[(&str, &str)]) -> (u16, Vec<String>) {
    let service = ServiceBuilder::new().layer(layer).service_fn(async |_: Request<()>| {
        let mut response = Response::new(Full::<Bytes>::default());
        if let Some(own) = own {
            response.headers_mut().insert(VARY, own.parse().unwrap());
        }
        Ok::<_, Infallible>(response)
    });
    let response = service.oneshot(get("/", headers)).await.unwrap();
    let vary = response.headers().get_all(VARY).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    (response.status().as_u16(), vary)
}

#[tokio::test]
async fn every_answer_varies_by_what_decided_it() {
    let world = World::new().await;
    let ann = world.bearer("ann");
    let layer = world.layer().build().unwrap();
    let right = [("authorization", ann.as_str())];
    let malformed = [("authorization", ann.as_str()), ("x-organization-id", "No Slug")];
    let unseen = [("authorization", ann.as_str()), ("x-organization-id", "elsewhere")];
    let expected = "authorization, x-organization-id";
    for (headers, status) in [
        (&right[..], 200),
        (&right, 200),
        (&[], 401),
        (&[("authorization", "Bearer x")], 401),
        (&malformed, 400),
        (&unseen, 404),
    ] {
        assert_eq!(asked(layer.clone(), None, headers).await, (status, vec![expected.to_owned()]));
    }
    // What was remembered, and what asks each time.
    let required = world.layer().build().unwrap();
    for layer in [required.clone(), world.layer().strict().build().unwrap(), required.optional()] {
        for _ in 0..3 {
            assert_eq!(asked(layer.clone(), None, &right).await, (200, vec![expected.to_owned()]));
        }
    }
    assert_eq!(asked(required.optional(), None, &[]).await, (200, vec![expected.to_owned()]));
}

#[tokio::test]
async fn what_the_service_says_itself_stays_and_nothing_stands_twice() {
    let world = World::new().await;
    let ann = world.bearer("ann");
    let right = [("authorization", ann.as_str())];
    let layer = world.layer().build().unwrap();
    for (own, expected) in [
        ("accept", &["accept", "authorization, x-organization-id"][..]),
        ("Authorization", &["Authorization", "x-organization-id"]),
        ("X-Organization-Id, Authorization", &["X-Organization-Id, Authorization"]),
        ("*", &["*"]),
    ] {
        let (status, vary) = asked(layer.clone(), Some(own), &right).await;
        assert_eq!((status, vary), (200, expected.iter().map(ToString::to_string).collect()));
    }
    // Two layers, one inside of the other.
    let twice = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(layer)
        .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let response = twice.oneshot(get("/", &right)).await.unwrap();
    assert_eq!(response.headers().get_all(VARY).iter().count(), 1);
}

#[tokio::test]
async fn it_names_the_headers_that_the_host_chose() {
    let world = World::new().await;
    let ann = world.bearer("ann");
    let own = Choice::Header(HeaderName::from_static("x-tenant"));
    for (choices, expected) in [
        (vec![Choice::Claim, Choice::Only], "authorization"),
        (vec![own.clone(), Choice::Only], "authorization, x-tenant"),
        (vec![own, Choice::Header(Choice::HEADER), Choice::Only], "authorization, x-tenant, x-organization-id"),
    ] {
        let layer = world.layer().choose(choices).build().unwrap();
        assert_eq!(asked(layer, None, &[("authorization", &ann)]).await, (200, vec![expected.to_owned()]));
    }
}
