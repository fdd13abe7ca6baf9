//! What a request's head decides is answered before its body has come, and a body has its time: spoken by hand, over TCP.

use std::time::Duration;

use serde_json::json;
use tenantry::core::values::limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::{
    actors::Actor,
    world::{World, embedded},
};

/// No answer takes so long; without it, a test whose answer never comes would never end.
const HANGS: Duration = Duration::from_secs(60);

const GET: &str = "/tenantry/v1/organizations/get";

/// Sends a head with these headers besides the usual ones, and the beginning of a body.
async fn begin(world: &World, actor: &Actor, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let address = world.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let authorization = actor.authorization.iter().map(|value| ("Authorization", value.as_str()));
    let mut head = format!("POST {GET} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in authorization.chain(headers.iter().copied()) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    stream
}

/// The status of the next answer on the connection, and what follows its status line.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let reading = async {
        let mut read = Vec::new();
        loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await.unwrap();
            read.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&read).into_owned();
            let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                body.len() >= length.map_or(0, |length| length.parse().unwrap())
            });
            if whole || count == 0 {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(HANGS, reading).await.expect("there is an answer before the body has come");
    let (status, rest) = text.split_once("\r\n").unwrap_or_default();
    (status.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default(), rest.to_owned())
}

#[tokio::test]
async fn what_the_head_decides_is_answered_from_the_head() {
    let world = World::start(embedded()).await;
    let alice = Actor::user("alice");
    let forged = Actor { authorization: Some("Bearer a.b.c".to_owned()), ..Actor::nobody() };
    let json = ("Content-Type", "application/json");
    let promised = ("Content-Length", "50");
    for (actor, headers, status, word) in [
        (&Actor::nobody(), vec![json, promised], 401, "unauthenticated"),
        (&forged, vec![json, promised], 401, "invalid_token"),
        (&alice, vec![("Content-Type", "text/plain"), promised], 415, "unsupported_media_type"),
        (&alice, vec![json, promised, ("Content-Encoding", "gzip")], 415, "accept-encoding: identity"),
        (&alice, vec![json, promised, ("Idempotency-Key", "a b")], 400, "Idempotency-Key"),
        (&alice, vec![json, ("Content-Length", "65537")], 413, "payload_too_large"),
        (&Actor::nobody(), vec![json, ("Transfer-Encoding", "chunked")], 401, "unauthenticated"),
    ] {
        let mut stream = begin(&world, actor, &headers, "{").await;
        let (answered, rest) = answer(&mut stream).await;
        assert_eq!(answered, status, "{headers:?}: {rest}");
        assert!(rest.contains(word), "{headers:?}: {rest}");
    }
    // What is not encoded may say so.
    let length = r#"{"organizationId":"0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"}"#;
    let size = length.len().to_string();
    let headers = [json, ("Content-Length", size.as_str()), ("Content-Encoding", "identity")];
    assert_eq!(answer(&mut begin(&world, &alice, &headers, length).await).await.0, 404);
}

#[tokio::test]
async fn nobody_is_told_to_go_on_who_is_refused() {
    let world = World::start(embedded()).await;
    let headers = [("Content-Type", "application/json"), ("Content-Length", "2"), ("Expect", "100-continue")];
    let mut refused = begin(&world, &Actor::nobody(), &headers, "").await;
    assert_eq!(answer(&mut refused).await.0, 401);
    let mut told = begin(&world, &Actor::user("alice"), &headers, "").await;
    assert_eq!(answer(&mut told).await.0, 100);
    told.write_all(b"{}").await.unwrap();
    let (status, rest) = answer(&mut told).await;
    assert_eq!(status, 400, "{rest}");
    assert!(rest.contains("organizationId"), "{rest}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_so_long_only() {
    let world = World::start(embedded()).await;
    let headers = [("Content-Type", "application/json"), ("Content-Length", "50")];
    let mut stream = begin(&world, &Actor::user("alice"), &headers, "{").await;
    let mut byte = [0];
    let passing = async {
        // As often as it takes until the service has begun to wait.
        loop {
            world.clock.advance(limits::BODY_TIMEOUT);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        peeked = tokio::time::timeout(HANGS, stream.peek(&mut byte)) => { peeked.unwrap().unwrap(); }
        () = passing => {}
    }
    let (status, rest) = answer(&mut stream).await;
    assert_eq!(status, 408, "{rest}");
    assert!(rest.contains("request_timeout"), "{rest}");
}

#[tokio::test]
async fn whoever_was_refused_and_sends_no_body_does_not_keep_the_service_from_ending() {
    let world = World::start(embedded()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let mut there = world.clone();
    there.base = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().nest("/tenantry", world.tenantry.router());
    let serving = axum::serve(listener, app).with_graceful_shutdown(async { ended.await.unwrap_or_default() });
    let serving = tokio::spawn(async move { serving.await });
    let headers = [("Content-Type", "application/json"), ("Content-Length", "50")];
    let mut stream = begin(&there, &Actor::nobody(), &headers, "{").await;
    assert_eq!(answer(&mut stream).await.0, 401);
    end.send(()).unwrap();
    let passing = async {
        loop {
            world.clock.advance(limits::BODY_DRAINED_TIMEOUT);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        served = tokio::time::timeout(HANGS, serving) => { served.unwrap().unwrap().unwrap(); }
        () = passing => {}
    }
}

#[tokio::test]
async fn each_route_says_how_it_is_called() {
    let world = World::start(embedded()).await;
    let nobody = Actor::nobody();
    for path in ["openapi.json", "healthz", "readyz"] {
        let answer = world.send(&nobody, world.request(reqwest::Method::POST, &format!("/tenantry/{path}"))).await;
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "GET,HEAD", "{path}");
        assert!(answer.body["detail"].as_str().unwrap().contains("GET"), "{path}: {}", answer.body);
    }
    let answer = world.send(&nobody, world.request(reqwest::Method::GET, GET)).await;
    answer.refused(405, "method_not_allowed");
    assert_eq!(answer.headers["allow"], "POST");
    assert!(answer.body["detail"].as_str().unwrap().contains("POST"));
    world.call(&Actor::user("alice"), "list", json!({})).await.ok();
}
