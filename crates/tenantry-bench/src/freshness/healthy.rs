//! On a link that works.

use anyhow::Result;
use serde_json::json;
use tenantry_core::operations::{members, organizations, tokens};
use tenantry_testing::{actors, redis_server::RedisServer};

use super::{
    Samples,
    node::Node,
    people::{Known, with_member, with_token},
};
use crate::{figures::Figures, world::must};

const SAMPLES: usize = 1000;

#[derive(Clone, Copy)]
enum Kind {
    Revoke,
    SetRole,
    Remove,
    Suspend,
}

/// Samples of each kind of change.
pub(super) fn run(server: &RedisServer) -> Result<Samples> {
    let (a, b) = (Node::start(&server.url(), |layer| layer)?, Node::start(&server.url(), |layer| layer)?);
    let mut samples = [
        (Kind::Revoke, "token revoked", Figures::default()),
        (Kind::SetRole, "role changed", Figures::default()),
        (Kind::Remove, "member removed", Figures::default()),
        (Kind::Suspend, "organization suspended", Figures::default()),
    ];
    for number in 0..SAMPLES {
        for (kind, label, figures) in &mut samples {
            let name = format!("{}-{number}", label.replace(' ', "-"));
            let known = a.runtime.block_on(async {
                if matches!(kind, Kind::Revoke) { with_token(&a, &name).await } else { with_member(&a, &name).await }
            })?;
            b.learn(&known.credential)?;
            a.runtime.block_on(change(&a, *kind, &known))?;
            b.sample(&known.credential, figures)?;
        }
    }
    Ok(samples.into_iter().map(|(_, label, figures)| (label, figures)).collect())
}

/// Makes the change; it is acknowledged when this returns.
async fn change(node: &Node, kind: Kind, known: &Known) -> Result<()> {
    let Known { organization, owner, id, .. } = known;
    let engine = &node.engine;
    match kind {
        Kind::Revoke => {
            let input = json!({ "organizationId": organization, "key": id });
            must::<tokens::Revoke>(engine, owner, input).await.map(drop)
        }
        Kind::SetRole => {
            let input = json!({ "organizationId": organization, "userId": id, "role": "admin" });
            must::<members::SetRole>(engine, owner, input).await.map(drop)
        }
        Kind::Remove => {
            let input = json!({ "organizationId": organization, "userId": id });
            must::<members::Remove>(engine, owner, input).await.map(drop)
        }
        Kind::Suspend => {
            let input = json!({ "organizationId": organization, "status": "suspended" });
            must::<organizations::SetStatus>(engine, &actors::platform_admin(), input).await.map(drop)
        }
    }
}
