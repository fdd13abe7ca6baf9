//! API tokens whose secret is replaced.

use serde_json::json;
use tenantry_core::{access::caller::Caller, operations::tokens};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const ROTATIONS: usize = 4;

pub(super) async fn have_one_secret_and_one_before_it(arena: &Arena) {
    const PROMISE: &str = "after rotations at once, the last secret works, and of the others at most one";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let created = arena.must::<tokens::Create>(&owner, json!({ "organizationId": organization })).await.api_token;
    let overlaps = arena.round().is_multiple_of(2);
    let input = json!({
        "organizationId": organization, "key": created.key, "overlapSeconds": if overlaps { 600 } else { 0 },
    });
    let answers = arena
        .at_once(ROTATIONS, |arena, number| {
            let (owner, input) = (owner.clone(), input.clone());
            async move { attempt::<tokens::Rotate>(arena.node(number), &owner, input).await }
        })
        .await;
    assert_eq!(refusals(PROMISE, &answers, &[]), 0, "{PROMISE}: every rotation succeeds");
    let listed = arena.must::<tokens::List>(&owner, json!({ "organizationId": organization })).await.api_tokens;
    let mut working = Vec::new();
    for made in answers.iter().flatten().map(|rotated| &rotated.api_token).chain([&created]) {
        if let Caller::Token(presented) = actors::token(&made.bearer)
            && arena.node(1).resolve_token(&presented).await.is_ok()
        {
            working.push(made.last_four.clone());
        }
    }
    assert_eq!(working.len(), 1 + usize::from(overlaps), "{PROMISE}");
    assert!(working.contains(&listed[0].last_four), "{PROMISE}: the one that the list shows");
    // Of rotations that did not see each other, each would have kept the secret from before all of them.
    assert!(!working.contains(&created.last_four), "{PROMISE}: the one before the last, not the first");
    let events = arena.events(organization, &["tokens.rotate"]).await;
    assert_eq!(events, ROTATIONS, "nothing is changed without a trace");
}
