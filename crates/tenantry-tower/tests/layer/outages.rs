//! What is logged, and what is answered, while the store fails.

use std::time::Duration;

use futures_util::future;
use http::Request;

use crate::{
    secrecy::Lines,
    support::{Service, World, ask_clone, eventually, get, plain},
};

fn request(credential: &str) -> Request<()> {
    get("/", &[("authorization", credential), ("x-organization-id", "acme")])
}

#[tokio::test]
async fn an_outage_is_logged_once_and_not_at_each_request() {
    let (lines, _listening) = Lines::listen();
    let world = World::new().await;
    let service = plain(&world.layer().strict().build().unwrap());
    let ann = world.bearer("ann");
    let count = |text: &str| lines.text().matches(text).count();
    let ask = async |status: u16, times: usize| {
        for _ in 0..times {
            assert_eq!(ask_clone(&service, request(&ann)).await.status, status);
        }
    };
    world.store.go_away();
    ask(503, 1000).await;
    assert_eq!(count("WARN"), 1, "{}", lines.text());
    assert_eq!(count("the store is unavailable"), 2, "what is logged, and its cause");
    world.clock.advance(Duration::from_secs(30));
    ask(503, 1000).await;
    assert_eq!((count("WARN"), count("still unavailable"), count("failures=1001")), (2, 1, 1), "{}", lines.text());
    world.store.come_back();
    ask(200, 100).await;
    assert_eq!(count("answers again"), 0, "it may only be back for a moment");
    world.clock.advance(Duration::from_secs(5));
    ask(200, 100).await;
    assert_eq!((count("answers again"), count("failures=2000")), (1, 1), "{}", lines.text());
    world.store.go_away();
    ask(503, 10).await;
    assert_eq!(count("WARN"), 3, "the next outage is another");
}

#[tokio::test]
async fn a_store_that_panics_is_500_for_all_who_wait_and_for_nobody_after_them() {
    let world = World::new().await;
    let ann = world.bearer("ann");
    let known = plain(&world.layer().build().unwrap());
    world.until_remembered(&known, || request(&ann)).await;
    world.join("bob", "member").await;
    let bob = world.bearer("bob");
    let strict = plain(&world.layer().strict().build().unwrap());
    for (service, waiting) in [(&known, 10), (&strict, 1)] {
        world.store.hold_next();
        world.store.panic_next();
        let ask = |service: &Service| {
            let (service, request) = (service.clone(), request(&bob));
            async move { ask_clone(&service, request).await }
        };
        let asking = future::join_all((0..waiting).map(|_| ask(service)));
        let releasing = async {
            eventually("a read is held", async || world.store.held() == 1).await;
            world.store.release();
        };
        let (answers, ()) = future::join(asking, releasing).await;
        let mut ids = std::collections::HashSet::new();
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal"), "{}", answer.body);
            assert!(!answer.body.to_string().contains("panics"), "{}", answer.body);
            ids.insert(answer.body["correlationId"].as_str().unwrap());
        }
        assert_eq!(ids.len(), waiting, "each finds its own line in the log");
        assert_eq!(ask(service).await.status, 200);
    }
}
