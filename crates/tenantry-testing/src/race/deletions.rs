//! Organizations that are deleted while others come.

use serde_json::json;
use tenantry_core::{
    operations::{invitations, join_codes, organizations},
    values::error::ErrorKind,
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const PROMISE: &str = "a deleted organization is gone for everyone, and nothing of it stays";
const JOINERS: usize = 4;

/// Some join by a code, one accepts an invitation, and the owner deletes the organization, all at once.
pub(super) async fn meet_a_joining(arena: &Arena) {
    let (owner, invited) = (arena.person("owner"), arena.person("invited"));
    let people = arena.people("joiner", JOINERS);
    let organization = arena.organization(&owner).await;
    let here = json!({ "organizationId": organization });
    let code = arena.must::<join_codes::Create>(&owner, here.clone()).await.code;
    let invite = json!({ "organizationId": organization, "username": actors::id(&invited) });
    let token = arena.must::<invitations::Create>(&owner, invite).await.token;
    let answers = arena
        .at_once(JOINERS + 2, |arena, number| {
            let (owner, invited, people) = (owner.clone(), invited.clone(), people.clone());
            let (here, code, token) = (here.clone(), code.clone(), token.clone());
            async move {
                let node = arena.node(number);
                match number {
                    0 => attempt::<organizations::Delete>(node, &owner, here).await.map(|_| ()),
                    1 => attempt::<invitations::Accept>(node, &invited, json!({ "token": token })).await.map(|_| ()),
                    _ => attempt::<join_codes::Join>(node, &people[number - 2], json!({ "code": code }))
                        .await
                        .map(|_| ()),
                }
            }
        })
        .await;
    assert!(answers[0].is_ok(), "{PROMISE}: the owner can delete it, whoever comes: {:?}", answers[0]);
    refusals(PROMISE, &answers, &[ErrorKind::NotFound]);
    for person in people.iter().chain([&owner, &invited]) {
        let list = arena.must::<organizations::List>(person, json!({})).await;
        assert_eq!(list.organizations, [], "{PROMISE}");
    }
    // Somebody else's worker may be at it.
    while !arena.node(0).audit_events(organization, None, 1).await.is_ok_and(|events| events.is_empty()) {
        arena.node(1).work_once().await.unwrap_or_else(|error| panic!("jobs must be looked for: {error:?}"));
        tokio::task::yield_now().await;
    }
    let late = attempt::<join_codes::Join>(arena.node(0), &people[0], json!({ "code": code })).await;
    assert_eq!(refusals(PROMISE, &[late], &[ErrorKind::NotFound]), 1, "{PROMISE}");
}
