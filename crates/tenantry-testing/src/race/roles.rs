//! Roles of an organization's own that are deleted while they are given.

use serde_json::json;
use tenantry_core::{
    operations::{members, roles},
    values::error::ErrorKind,
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const GRANTS: usize = 4;

pub(super) async fn are_given_or_deleted_but_not_both(arena: &Arena) {
    const PROMISE: &str = "a role that somebody has is not deleted, and one that was deleted is given to nobody";
    let owner = arena.person("owner");
    let organization = arena.organization(&owner).await;
    let define = json!({ "organizationId": organization, "role": "helper", "permissions": ["org:view"] });
    arena.must::<roles::Create>(&owner, define).await;
    let people = arena.people("member", GRANTS);
    for person in &people {
        arena.enroll(organization, &owner, person, "member").await;
    }
    let answers = arena
        .at_once(GRANTS + 1, |arena, number| {
            let (owner, person) = (owner.clone(), people.get(number).map(actors::id));
            async move {
                let node = arena.node(number);
                if let Some(person) = person {
                    let give = json!({ "organizationId": organization, "userId": person, "role": "helper" });
                    return attempt::<members::SetRole>(node, &owner, give).await;
                }
                let delete = json!({ "organizationId": organization, "role": "helper" });
                attempt::<roles::Delete>(node, &owner, delete).await
            }
        })
        .await;
    let (grants, deletion) = answers.split_at(GRANTS);
    let given = GRANTS - refusals(PROMISE, grants, &[ErrorKind::InvalidRequest]);
    let deleted = refusals(PROMISE, deletion, &[ErrorKind::RoleInUse]) == 0;
    assert_eq!(deleted, given == 0, "{PROMISE}: deleted: {deleted}, given: {given} times");
    let members = arena.members(organization, &owner).await;
    let bearers = members.iter().filter(|member| member.role.as_str() == "helper").count();
    assert_eq!(bearers, given, "{PROMISE}");
}
