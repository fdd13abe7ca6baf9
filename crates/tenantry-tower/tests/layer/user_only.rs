//! The page on which a user chooses an organization.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use tenantry_core::{operations::members, values::ids::UserId};
use tenantry_tower::{Resolved, Tenant};
use tower::{ServiceExt, service_fn};

use crate::support::{Answer, World, ask_clone, get, plain};

#[tokio::test]
async fn every_user_is_let_through_whatever_organization_the_request_names() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let required = plain(&layer.clone());
    let page = layer.user_only().layer(service_fn(async |request: Request<()>| {
        assert!(request.extensions().get::<Tenant>().is_none());
        let resolved = Resolved::of(request.extensions()).unwrap();
        let refusal = resolved.clone().require_tenant().unwrap_err();
        let known = json!({
            "user": resolved.caller().unwrap().user().unwrap().id,
            "organizations": resolved.memberships().await.unwrap().len(),
            "refusal": refusal.code(),
        });
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(known.to_string())))
    }));
    let told =
        async |headers: &[(&str, &str)]| Answer::read(page.clone().oneshot(get("/", headers)).await.unwrap()).await;
    world.join("carol", "member").await;
    for (user, organizations) in [("ann", 1), ("carol", 1), ("zoe", 0)] {
        let bearer = world.bearer(user);
        for organization in ["", "elsewhere", "No Slug", "user only"] {
            let headers = [("authorization", bearer.as_str()), ("x-organization-id", organization)];
            for _ in 0..2 {
                let known = told(&headers).await.body;
                let expected = json!({
                    "user": user, "organizations": organizations, "refusal": "organization_required",
                });
                assert_eq!(known, expected, "{organization}");
            }
        }
    }
    // What the two layers remember of one credential is kept apart.
    let ann = world.bearer("ann");
    let headers = [("authorization", ann.as_str())];
    world.until_remembered(&required, || get("/", &headers)).await;
    assert_eq!(told(&headers).await.body["user"], "ann");
    assert_eq!(ask_clone(&required, get("/", &headers)).await.body["organization"], "Acme");
    // Who was removed still gets there.
    let remove = members::Remove::new(world.acme, UserId::new("carol").unwrap());
    world.run("ann", &remove).await;
    let carol = world.bearer("carol");
    assert_eq!(told(&[("authorization", &carol)]).await.body["organizations"], 0);
}

#[tokio::test]
async fn nobody_and_api_tokens_are_refused() {
    let world = World::new().await;
    let page = plain(&world.layer().build().unwrap().user_only());
    let token = world.token(&["notes:read"], None).await;
    let token = format!("Bearer {}", token.bearer);
    for (headers, expected) in [
        (&[][..], (401, "unauthenticated")),
        (&[("authorization", "Bearer nonsense")], (401, "invalid_token")),
        (&[("authorization", token.as_str())], (403, "forbidden")),
    ] {
        for _ in 0..2 {
            let answer = ask_clone(&page, get("/", headers)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), expected);
        }
    }
}
