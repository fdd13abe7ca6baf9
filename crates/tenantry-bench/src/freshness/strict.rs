//! Strict mode: the request after the change sees it. Beside it the usual mode, of which that is not promised.

use anyhow::{Result, bail};
use axum::http::StatusCode;
use serde_json::json;
use tenantry_core::operations::members;
use tenantry_testing::redis_server::RedisServer;
use tenantry_tower::TenantryLayerBuilder;

use super::{
    node::{ADMIN, MEMBER, Node, ask},
    people::{Known, with_member},
};
use crate::{crowd::together, table::Table, world::must};

/// How many changes are made, and by how many at once.
const CHANGES: usize = 100_000;
const CALLERS: usize = 16;

/// Measures, and publishes the table `freshness-strict`.
pub(super) fn run(server: &RedisServer) -> Result<()> {
    let title = format!(
        "{CHANGES} changes of roles on node A, {CALLERS} at once, and after each acknowledgement one request to node B"
    );
    let mut table = Table::new(&title, &["mode", "answers as before the change", "of a million"]);
    let a = Node::start(&server.url(), |layer| layer)?;
    let strict = Node::start(&server.url(), TenantryLayerBuilder::strict)?;
    let usual = Node::start(&server.url(), |layer| layer)?;
    for (name, b) in [("strict", &strict), ("usual", &usual)] {
        let stale = stale(&a, b, name)?;
        let of_a_million = stale as f64 * 1e6 / CHANGES as f64;
        table.row([name.to_owned(), stale.to_string(), format!("{of_a_million:.0}")]);
    }
    table.publish("freshness-strict")
}

/// How often node B answers as before.
fn stale(a: &Node, b: &Node, name: &str) -> Result<usize> {
    let mut members = Vec::new();
    for caller in 0..CALLERS {
        let known = a.runtime.block_on(with_member(a, &format!("{name}-{caller}")))?;
        members.push(known);
    }
    let (engine, service) = (a.engine.clone(), b.service.clone());
    let act = move |known: Known| {
        let (engine, service) = (engine.clone(), service.clone());
        async move {
            let mut stale = 0;
            for change in 0..CHANGES / CALLERS {
                let (role, now, before) =
                    if change % 2 == 0 { ("admin", ADMIN, MEMBER) } else { ("member", MEMBER, ADMIN) };
                let input = json!({ "organizationId": known.organization, "userId": known.id, "role": role });
                must::<members::SetRole>(&engine, &known.owner, input).await?;
                match ask(service.clone(), now, &known.credential).await {
                    StatusCode::OK => {}
                    StatusCode::GONE => {
                        stale += 1;
                        // It is so in the end.
                        while ask(service.clone(), before, &known.credential).await == StatusCode::OK {}
                    }
                    status => bail!("the node answers {status}"),
                }
            }
            Ok(stale)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (_, stale) = runtime.block_on(together(CALLERS, members, act))?;
    Ok(stale.into_iter().sum())
}
