//! While node B's link stands still, or Redis itself.

use std::{thread, time::Duration};

use anyhow::Result;
use serde_json::json;
use tenantry_core::operations::tokens;
use tenantry_testing::redis_server::RedisServer;

use super::{
    Samples,
    node::Node,
    people::{Known, with_token},
    proxy::Proxy,
};
use crate::{figures::Figures, world::must};

const SAMPLES: usize = 60;
/// How long Redis stands still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Samples of each kind of standstill.
pub(super) fn run(server: &RedisServer) -> Result<Samples> {
    let proxy = Proxy::start(server.port())?;
    let (a, b) = (Node::start(&server.url(), |layer| layer)?, Node::start(&proxy.url(), |layer| layer)?);
    let (mut link, mut redis) = (Figures::default(), Figures::default());
    for number in 0..SAMPLES {
        let known = a.runtime.block_on(with_token(&a, &format!("link-{number}")))?;
        b.learn(&known.credential)?;
        proxy.freeze();
        revoke(&a, &known)?;
        b.sample(&known.credential, &mut link)?;
        proxy.thaw();

        let known = a.runtime.block_on(with_token(&a, &format!("redis-{number}")))?;
        b.learn(&known.credential)?;
        revoke(&a, &known)?;
        server.freeze();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(STANDSTILL);
                server.thaw();
            });
            b.sample(&known.credential, &mut redis)
        })?;
    }
    Ok(vec![("token revoked, B's link frozen", link), ("token revoked, Redis stopped (SIGSTOP) for a second", redis)])
}

fn revoke(node: &Node, known: &Known) -> Result<()> {
    let input = json!({ "organizationId": known.organization, "key": known.id });
    node.runtime.block_on(must::<tokens::Revoke>(&node.engine, &known.owner, input))?;
    Ok(())
}
