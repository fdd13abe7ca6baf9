//! Workspaces whose names are wanted by several, and which are deleted while members are assigned to them.

use serde_json::json;
use tenantry_core::{
    operations::{members, workspaces},
    values::error::ErrorKind,
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const TRIES: usize = 6;

/// Some create one of that name, some give it to one that is there.
pub(super) async fn have_names_of_their_own(arena: &Arena) {
    const PROMISE: &str = "no two workspaces of an organization have one name";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let mut others = Vec::new();
    for number in 0..TRIES / 2 {
        let other = json!({ "organizationId": organization, "name": format!("Other {number}") });
        others.push(arena.must::<workspaces::Create>(&owner, other).await.workspace.id);
    }
    let answers = arena
        .at_once(TRIES, |arena, number| {
            let (owner, other) = (owner.clone(), others[number / 2]);
            let name = ["Zürich", "ZÜRICH", "Zu\u{308}rich"][number % 3];
            async move {
                let node = arena.node(number);
                if number % 2 == 0 {
                    let create = json!({ "organizationId": organization, "name": name });
                    return attempt::<workspaces::Create>(node, &owner, create).await;
                }
                let rename = json!({ "organizationId": organization, "id": other, "name": name });
                attempt::<workspaces::Update>(node, &owner, rename).await
            }
        })
        .await;
    let refused = refusals(PROMISE, &answers, &[ErrorKind::WorkspaceTaken]);
    assert_eq!(answers.len() - refused, 1, "{PROMISE}, by the answers");
    let listed = arena.must::<workspaces::List>(&owner, json!({ "organizationId": organization })).await.workspaces;
    let bearers: Vec<_> = listed.iter().filter(|workspace| !workspace.name.starts_with("Other")).collect();
    assert_eq!(bearers.len(), 1, "{PROMISE}, by the list");
    let events = arena.events(organization, &["workspaces.create", "workspaces.update"]).await;
    assert_eq!(events, TRIES / 2 + 1, "{PROMISE}, by the audit log");
    // The name is free again with the one that bears it, and with nothing else.
    let delete = json!({ "organizationId": organization, "id": bearers[0].id });
    arena.must::<workspaces::Delete>(&owner, delete).await;
    let again = json!({ "organizationId": organization, "name": "zürich" });
    arena.must::<workspaces::Create>(&owner, again).await;
}

/// Members are assigned to a workspace while it is deleted.
pub(super) async fn are_given_to_nobody_once_deleted(arena: &Arena) {
    const PROMISE: &str = "nobody is assigned to a workspace that was deleted";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let name = json!({ "organizationId": organization, "name": "North" });
    let id = arena.must::<workspaces::Create>(&owner, name).await.workspace.id;
    let people = arena.people("member", TRIES);
    for person in &people {
        arena.enroll(organization, &owner, person, "member").await;
    }
    let answers = arena
        .at_once(TRIES + 1, |arena, number| {
            let (owner, person) = (owner.clone(), people.get(number).map(actors::id));
            async move {
                let node = arena.node(number);
                if let Some(person) = person {
                    let assign = json!({ "organizationId": organization, "userId": person, "workspaces": [id] });
                    return attempt::<members::Update>(node, &owner, assign).await.map(|_| ());
                }
                let delete = json!({ "organizationId": organization, "id": id });
                attempt::<workspaces::Delete>(node, &owner, delete).await.map(|_| ())
            }
        })
        .await;
    let (assigned, deleted) = answers.split_at(TRIES);
    let refused = refusals(PROMISE, assigned, &[ErrorKind::NotFound]);
    assert_eq!(refusals(PROMISE, deleted, &[]), 0, "whoever deletes it succeeds");
    let updates = arena.events(organization, &["members.update"]).await;
    assert_eq!(updates, TRIES - refused, "nothing is changed without a trace");
    let members = arena.members(organization, &owner).await;
    assert!(members.iter().all(|member| member.workspaces.is_empty()), "{PROMISE}");
}
