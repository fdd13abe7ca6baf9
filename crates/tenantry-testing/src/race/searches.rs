//! Searches while organizations are renamed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use tenantry_core::operations::organizations;

use super::arena::{Arena, attempt};
use crate::actors;

const SEARCHERS: usize = 3;
const RENAMES: usize = 6;

pub(super) async fn find_once_who_is_renamed(arena: &Arena) {
    const PROMISE: &str = "a search finds each organization once, whoever is renamed meanwhile";
    let owner = arena.person("owner");
    let prefix = arena.unique("org");
    let mut organizations = Vec::new();
    for name in ["a", "m", "z"] {
        let input = json!({ "name": format!("{prefix} {name}") });
        organizations.push(arena.must::<organizations::Create>(&owner, input).await.organization.id);
    }
    organizations.sort();
    let moving = organizations[arena.round() % organizations.len()];
    let renamed = Arc::new(AtomicBool::new(false));
    arena
        .at_once(SEARCHERS + 1, |arena, number| {
            let (owner, prefix, renamed) = (owner.clone(), prefix.clone(), renamed.clone());
            let organizations = organizations.clone();
            async move {
                if number == SEARCHERS {
                    for turn in 0..RENAMES {
                        let name = format!("{prefix} {}", ["x", "b", "k"][turn % 3]);
                        let input = json!({ "organizationId": moving, "name": name });
                        arena.must::<organizations::Update>(&owner, input).await;
                    }
                    renamed.store(true, Ordering::SeqCst);
                    return;
                }
                let order = [
                    json!([{ "field": "name" }]),
                    json!([{ "field": "name", "direction": "desc" }, { "field": "city" }]),
                    json!([{ "field": "slug" }]),
                ];
                let filter = json!({ "name": { "like": format!("{prefix} %") } });
                let input = json!({ "filter": filter, "order": order[number] });
                while !renamed.load(Ordering::SeqCst) {
                    let admin = actors::platform_admin();
                    let found = attempt::<organizations::Search>(arena.node(number), &admin, input.clone()).await;
                    let found = found.unwrap_or_else(|error| panic!("{PROMISE}, and does not fail: {error:?}"));
                    let mut found: Vec<_> = found.organizations.into_iter().map(|found| found.id).collect();
                    found.sort();
                    assert_eq!(found, organizations, "{PROMISE}");
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
}
