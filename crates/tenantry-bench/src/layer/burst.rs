//! A thousand requests at once with one credential of which nothing is known yet: how often the store is read.

use std::sync::Arc;

use anyhow::{Result, ensure};
use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use tenantry_testing::{counting::Counting, redis_server::RedisServer};
use tokio::sync::Barrier;
use tower::ServiceExt as _;

use super::known::until_known;
use crate::{
    measure::{Subject, Way, subject},
    table::Table,
    world::{World, patient},
};

const REQUESTS: usize = 1000;
const ROUNDS: usize = 20;

/// Measures, and publishes the table `layer-burst`.
pub(super) fn run() -> Result<()> {
    let server = RedisServer::start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = patient(&server.url()).await?;
        let store = Arc::new(Counting::new(Arc::new(store)));
        // Two credentials of each kind for each round: one becomes known, the other is asked with at once.
        let world = World::new(store.clone(), 2 * ROUNDS).await?;
        let wrong: Vec<_> = world.tokens.iter().map(with_wrong_secret).collect::<Result<_>>()?;
        let title = format!("{REQUESTS} requests at once with one unknown credential; {ROUNDS} rounds");
        let mut table = Table::new(&title, &["credential", "answer", "reads of the store, fewest", "most"]);
        for (name, credentials, expected) in [
            ("an API token", &world.tokens[..], StatusCode::OK),
            ("an API token, wrong secret", &wrong[..], StatusCode::UNAUTHORIZED),
            ("a JWT", &world.hs256[..], StatusCode::OK),
        ] {
            let layer = world.layer().build()?;
            let service = subject(layer.layer(Router::new().route("/whoami", get(async || "ok"))));
            let known = world.hs256[..1].to_vec().into();
            until_known(&mut Way { name, service: service.clone(), credentials: known }, &store).await?;
            let mut reads = Vec::new();
            for credential in &credentials[1..=ROUNDS] {
                store.take();
                at_once(&service, credential, expected).await?;
                let asked = store.take();
                reads.push(asked.reads + asked.ranges + asked.sorted_ranges);
            }
            let count = |reads: Option<&usize>| reads.copied().unwrap_or_default().to_string();
            let (fewest, most) = (count(reads.iter().min()), count(reads.iter().max()));
            table.row([name.to_owned(), expected.as_str().to_owned(), fewest, most]);
        }
        table.publish("layer-burst")
    })
}

async fn at_once(service: &Subject, credential: &HeaderValue, expected: StatusCode) -> Result<()> {
    let start = Arc::new(Barrier::new(REQUESTS));
    let asking: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let (start, service, credential) = (start.clone(), service.clone(), credential.clone());
            tokio::spawn(async move {
                start.wait().await;
                let mut request = Request::new(Body::empty());
                *request.uri_mut() = http::Uri::from_static("/whoami");
                request.headers_mut().insert(AUTHORIZATION, credential);
                let Ok(answer) = service.oneshot(request).await;
                answer.status()
            })
        })
        .collect();
    for asked in asking {
        let status = asked.await?;
        ensure!(status == expected, "{expected} was expected, but the answer is {status}");
    }
    Ok(())
}

/// The key of an API token, with a secret that is not its own.
fn with_wrong_secret(credential: &HeaderValue) -> Result<HeaderValue> {
    let mut text = credential.to_str()?.to_owned();
    let last = text.pop();
    text.push(if last == Some('a') { 'b' } else { 'a' });
    Ok(HeaderValue::try_from(text)?)
}
