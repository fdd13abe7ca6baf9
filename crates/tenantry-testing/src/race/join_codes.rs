//! Join codes.

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::join_codes,
    values::{error::ErrorKind, ids::OrganizationId},
    wire::OrgJoinCodeCreated,
};

use super::arena::{Arena, attempt, refusals};

pub(super) async fn are_used_as_often_as_they_may_be(arena: &Arena) {
    const PROMISE: &str = "a join code lets in exactly as many as it may";
    const USES_MAX: usize = 5;
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let code = make(arena, organization, &owner, Some(USES_MAX)).await;
    let newcomers = arena.people("newcomer", 20);
    let answers = arena
        .at_once(newcomers.len(), |arena, number| {
            let (newcomer, code) = (newcomers[number].clone(), code.code.clone());
            async move { attempt::<join_codes::Join>(arena.node(number), &newcomer, json!({ "code": code })).await }
        })
        .await;
    let refused = refusals(PROMISE, &answers, &[ErrorKind::Exhausted]);
    assert_eq!(answers.len() - refused, USES_MAX, "{PROMISE}, by the answers");
    assert_eq!(arena.members(organization, &owner).await.len(), 1 + USES_MAX, "{PROMISE}, by the members");
    assert_eq!(uses(arena, organization, &owner).await, USES_MAX as u64, "{PROMISE}, by its count");
    let events = arena.events(organization, &["join-codes.join"]).await;
    assert_eq!(events, USES_MAX, "nothing is changed without a trace, and nothing is traced that was not changed");
}

pub(super) async fn count_a_user_once(arena: &Arena) {
    const PROMISE: &str = "joining again uses nothing up and says so, also when it happens at once";
    let owner = arena.person("owner");
    let newcomer = arena.person("newcomer");
    let organization = arena.organization(&owner).await;
    // With one use, the second try finds the code used up, by the newcomer themselves.
    let uses_max = arena.round().is_multiple_of(2).then_some(1);
    let code = make(arena, organization, &owner, uses_max).await;
    let answers = arena
        .at_once(6, |arena, number| {
            let (newcomer, code) = (newcomer.clone(), code.code.clone());
            async move { attempt::<join_codes::Join>(arena.node(number), &newcomer, json!({ "code": code })).await }
        })
        .await;
    refusals(PROMISE, &answers, &[]);
    let joined = answers.iter().flatten().filter(|joined| !joined.already_member).count();
    assert_eq!(joined, 1, "{PROMISE}: {joined} tries of one user made them a member");
    assert_eq!(uses(arena, organization, &owner).await, 1, "{PROMISE}");
}

async fn make(
    arena: &Arena,
    organization: OrganizationId,
    owner: &Caller,
    uses_max: Option<usize>,
) -> OrgJoinCodeCreated {
    let input = json!({ "organizationId": organization, "maxUses": uses_max });
    arena.must::<join_codes::Create>(owner, input).await
}

/// The uses of the organization's only code.
async fn uses(arena: &Arena, organization: OrganizationId, owner: &Caller) -> u64 {
    let listed = arena.must::<join_codes::List>(owner, json!({ "organizationId": organization })).await;
    assert_eq!(listed.join_codes.len(), 1, "the organization has the one code that was made");
    listed.join_codes[0].uses
}
