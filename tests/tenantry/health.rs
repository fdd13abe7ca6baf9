//! `GET /healthz` and `GET /readyz`.

use reqwest::Method;
use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn a_service_that_can_work_says_so() {
    on_every_store(async |world| {
        for path in ["/tenantry/healthz", "/tenantry/readyz"] {
            let answer = world.send(&Actor::nobody(), world.request(Method::GET, path)).await;
            assert_eq!(answer.ok(), json!({ "status": "ok" }), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_problems_too() {
    on_every_store(async |world| {
        let path = "/tenantry/v1/organizations/explode";
        world.send(&Actor::nobody(), world.request(Method::POST, path)).await.refused(404, "not_found");
        let path = "/tenantry/v1/organizations/create";
        world.send(&Actor::nobody(), world.request(Method::GET, path)).await.refused(405, "method_not_allowed");
    })
    .await;
}
