//! How long requests take in process, and how many allocations they make.

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use tower::{ServiceExt as _, util::BoxCloneSyncService};
use tower_service::Service;

use crate::{
    allocations::{Allocations, SoFar},
    figures::{Figures, each_ns, now},
};

/// A service under measurement. The box costs each of them the same.
pub(crate) type Subject = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// Boxes a service.
pub(crate) fn subject<S>(service: S) -> Subject
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service)
}

/// One way to do it: what it is called, and with which credentials it is asked.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) service: Subject,
    pub(crate) credentials: Arc<[HeaderValue]>,
}

/// A request as all ways get it.
fn request(credential: &HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("/whoami");
    request.headers_mut().insert(AUTHORIZATION, credential.clone());
    request
}

/// Asks `count` times, one after the other.
pub(crate) async fn ask(service: &mut Subject, credentials: &[HeaderValue], count: usize) {
    for credential in credentials.iter().cycle().take(count) {
        let Ok(ready) = service.ready().await;
        let Ok(answer) = ready.call(request(credential)).await;
        assert!(answer.status().is_success(), "what is measured must succeed: {}", answer.status());
    }
}

/// Measures all ways in turns: `rounds` rounds of `count` requests of each. Answers of each way the nanoseconds for one
/// request, round by round.
pub(crate) async fn interleaved(ways: &mut [Way], rounds: usize, count: usize) -> Vec<Figures> {
    let mut measured = vec![Figures::default(); ways.len()];
    for way in &mut *ways {
        warm_up(way, count).await;
    }
    for _ in 0..rounds {
        for (way, measured) in ways.iter_mut().zip(&mut measured) {
            let begun = now();
            ask(&mut way.service, &way.credentials, count).await;
            measured.push(each_ns(begun.elapsed(), count));
        }
    }
    measured
}

/// Counts the allocations of `count` requests of each way.
pub(crate) async fn allocations(ways: &mut [Way], count: usize, so_far: SoFar) -> Allocations {
    let mut counted = Allocations::new();
    for way in ways {
        warm_up(way, count).await;
        let before = so_far().allocations;
        ask(&mut way.service, &way.credentials, count).await;
        counted.insert(way.name.to_owned(), (so_far().allocations - before) as f64 / count as f64);
    }
    counted
}

/// Asks with each credential twice at least: the first time, answers become known.
async fn warm_up(way: &mut Way, count: usize) {
    ask(&mut way.service, &way.credentials, way.credentials.len().max(count / 4) * 2).await;
}
