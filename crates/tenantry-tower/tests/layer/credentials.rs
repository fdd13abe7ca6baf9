//! Each form of a credential, and what is refused about one.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header::AUTHORIZATION};

use crate::support::{World, ask, ask_clone, eventually, plain};

const CHALLENGE: &str = "www-authenticate";

#[tokio::test]
async fn each_form_of_a_credential_resolves() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    let answer = ask(&service, &[("authorization", &world.bearer("ann"))]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["organization"], "Acme");
    assert_eq!((&answer.body["principal"], &answer.body["role"]), (&"ann".into(), &"owner".into()));

    let token = world.token(&["notes:read"], None).await;
    let basic = STANDARD.encode(&token.bearer);
    for credential in [format!("Bearer {}", token.bearer), format!("bearer {}", token.bearer), format!("BASIC {basic}")]
    {
        let answer = ask(&service, &[("authorization", &credential)]).await;
        assert_eq!(answer.body["principal"], token.key.to_string(), "{}", answer.body);
        assert_eq!(answer.body["permissions"], serde_json::json!(["notes:read"]));
    }
}

#[tokio::test]
async fn without_a_credential_there_is_a_challenge_without_an_error() {
    let world = World::new().await;
    let answer = ask(&plain(&world.layer().build().unwrap()), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "unauthenticated"));
    assert_eq!(answer.headers[CHALLENGE], r#"Bearer realm="tenantry""#);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["status"], 401);
    assert_eq!(answer.body["type"], "urn:tenantry:problem:unauthenticated");
}

#[tokio::test]
async fn a_bad_credential_is_refused_also_where_none_is_needed() {
    let world = World::new().await;
    let token = world.token(&[], None).await;
    let wrong_secret = format!("Bearer {}:ts_wrong", token.key);
    let long = format!("Bearer {}", "a".repeat(9000));
    let required = world.layer().build().unwrap();
    for layer in [required.optional(), required] {
        let service = plain(&layer);
        for bad in ["Bearer x", "Bearer a.b.c", "Bearer ", "Basic !", "Bearer tk_live_x:y", &wrong_secret, &long] {
            let answer = ask(&service, &[("authorization", bad)]).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"), "{bad}");
            let challenge = answer.headers[CHALLENGE].to_str().unwrap();
            assert!(challenge.starts_with(r#"Bearer realm="tenantry", error="invalid_token", error_description=""#));
        }
        let unknown = ask(&service, &[("authorization", "Digest x")]).await;
        assert_eq!((unknown.status.as_u16(), unknown.code()), (401, "unauthenticated"));
        let twice = Request::get("/")
            .header(AUTHORIZATION, world.bearer("ann"))
            .header(AUTHORIZATION, world.bearer("ann"))
            .body(())
            .unwrap();
        assert_eq!(ask_clone(&service, twice).await.code(), "invalid_token");
    }
}

#[tokio::test]
async fn an_api_token_ends_by_itself_though_it_is_remembered() {
    let world = World::new().await;
    let service = plain(&world.layer().max_age(Duration::from_secs(3600)).build().unwrap());
    let token = world.token(&[], Some(Duration::from_secs(60))).await;
    let credential = format!("Bearer {}", token.bearer);
    let request = || Request::get("/").header(AUTHORIZATION, &credential).body(()).unwrap();
    world.until_remembered(&service, request).await;
    assert_eq!(ask_clone(&service, request()).await.status, 200);
    world.clock.advance(Duration::from_secs(60));
    let answer = ask_clone(&service, request()).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "expired_token"));
    assert!(answer.headers[CHALLENGE].to_str().unwrap().contains(r#"error="invalid_token""#));
}

#[tokio::test]
async fn the_use_of_an_api_token_is_noted() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    let token = world.token(&[], None).await;
    assert_eq!(ask(&service, &[("authorization", &format!("Bearer {}", token.bearer))]).await.status, 200);
    eventually("the use is noted", async || {
        let list = serde_json::from_value(serde_json::json!({ "organizationId": world.acme })).unwrap();
        let listed = world.run::<tenantry_core::operations::tokens::List>("ann", &list).await;
        listed.api_tokens.iter().any(|listed| listed.key == token.key && listed.last_used_at.is_some())
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_is_503_with_retry_after() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    world.store.go_away();
    let answer = ask(&service, &[("authorization", &world.bearer("ann"))]).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "unavailable"));
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(!answer.body.to_string().contains("cut by the test"));
}
