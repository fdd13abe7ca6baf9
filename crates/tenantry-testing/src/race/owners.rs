//! The last owner.

use serde_json::json;
use tenantry_core::{
    operations::{members, organizations},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const PROMISE: &str = "an organization keeps an owner, whoever removes whom at once";

/// How an owner may lose their role, and how an attacker may find out that they lost theirs.
const REFUSALS: [ErrorKind; 3] = [ErrorKind::LastOwner, ErrorKind::Forbidden, ErrorKind::NotFound];

pub(super) async fn one_remains_of_two(arena: &Arena) {
    turn_on_each_other(arena, 2).await;
}

pub(super) async fn one_remains_of_five(arena: &Arena) {
    turn_on_each_other(arena, 5).await;
}

/// Each owner removes or demotes the next, in a ring.
async fn turn_on_each_other(arena: &Arena, count: usize) {
    let owners = arena.people("owner", count);
    let organization = arena.organization(&owners[0]).await;
    for owner in &owners[1..] {
        arena.enroll(organization, &owners[0], owner, "owner").await;
    }
    let answers = arena
        .at_once(count, |arena, number| {
            let (attacker, target) = (owners[number].clone(), actors::id(&owners[(number + 1) % count]));
            let removes = (number + arena.round()).is_multiple_of(2);
            async move {
                let node = arena.node(number);
                if removes {
                    let input = json!({ "organizationId": organization, "userId": target });
                    attempt::<members::Remove>(node, &attacker, input).await.map(|_| ())
                } else {
                    let input = json!({ "organizationId": organization, "userId": target, "role": "member" });
                    attempt::<members::SetRole>(node, &attacker, input).await.map(|_| ())
                }
            }
        })
        .await;
    agrees(arena, organization, &answers).await;
}

pub(super) async fn the_last_one_cannot_step_down(arena: &Arena) {
    let owners = arena.people("owner", 3);
    let organization = arena.organization(&owners[0]).await;
    for owner in &owners[1..] {
        arena.enroll(organization, &owners[0], owner, "owner").await;
    }
    let answers = arena
        .at_once(owners.len(), |arena, number| {
            let owner = owners[number].clone();
            async move {
                let input = json!({ "organizationId": organization, "userId": actors::id(&owner), "role": "admin" });
                attempt::<members::SetRole>(arena.node(number), &owner, input).await
            }
        })
        .await;
    assert_eq!(
        refusals(PROMISE, &answers, &[ErrorKind::LastOwner]),
        1,
        "{PROMISE}: all but one may step down: {answers:?}"
    );
    agrees(arena, organization, &answers).await;
}

/// One owner hands over to an admin while the other demotes them: there are two owners in the end, or one.
pub(super) async fn a_transfer_meets_a_demotion(arena: &Arena) {
    let [giver, other, heir] = ["giver", "other", "heir"].map(|name| arena.person(name));
    let organization = arena.organization(&giver).await;
    arena.enroll(organization, &giver, &other, "owner").await;
    arena.enroll(organization, &giver, &heir, "admin").await;
    let people = [giver.clone(), other.clone()];
    let (giver_id, heir_id) = (actors::id(&giver), actors::id(&heir));
    let answers = arena
        .at_once(people.len(), |arena, number| {
            let (caller, giver, heir) = (people[number].clone(), giver_id.clone(), heir_id.clone());
            async move {
                let node = arena.node(number);
                if number == 0 {
                    let input = json!({ "organizationId": organization, "userId": heir });
                    attempt::<organizations::TransferOwnership>(node, &caller, input).await
                } else {
                    let input = json!({ "organizationId": organization, "userId": giver, "role": "member" });
                    attempt::<members::SetRole>(node, &caller, input).await
                }
            }
        })
        .await;
    refusals(PROMISE, &answers[..1], &[ErrorKind::Forbidden]);
    refusals(PROMISE, &answers[1..], &[]);
    let mut expected = vec![actors::id(&other)];
    if answers[0].is_ok() {
        expected.push(heir_id);
    }
    let members = arena.members(organization, &other).await;
    let mut owners: Vec<_> =
        members.iter().filter(|member| member.role.is_owner()).filter_map(|member| member.user_id.clone()).collect();
    owners.sort();
    expected.sort();
    assert_eq!(owners, expected, "{PROMISE}: what was handed over has one holder");
    // Transferred and then demoted, or demoted before: the giver is a plain member in the end.
    let former = members.iter().find(|member| member.user_id.as_ref() == Some(&giver_id));
    assert!(former.is_some_and(|former| former.role.as_str() == "member"), "{PROMISE}: {former:?}");
    let named = arena.look(organization, &other).await.owner;
    assert!(named.is_some_and(|named| owners.contains(&named)), "{PROMISE}, and it is named");
}

/// What is left is what the answers say: every success took away one owner.
async fn agrees<T>(arena: &Arena, organization: OrganizationId, answers: &[Result<T, Error>]) {
    let taken = answers.len() - refusals(PROMISE, answers, &REFUSALS);
    // Somebody who may look: it is an owner, or nobody is.
    let host = arena.person("owner0");
    let witness = witness(arena, organization, answers.len()).await.unwrap_or(host);
    let members = arena.members(organization, &witness).await;
    let owners: Vec<_> =
        members.iter().filter(|member| member.role.is_owner()).filter_map(|member| member.user_id.clone()).collect();
    assert!(!owners.is_empty(), "{PROMISE}: none is left");
    assert_eq!(owners.len(), answers.len() - taken, "{PROMISE}, and every success takes away exactly one");
    let named = arena.look(organization, &witness).await.owner;
    assert!(named.as_ref().is_some_and(|named| owners.contains(named)), "{PROMISE}, and it is named: {named:?}");
    let events = arena.events(organization, &["members.remove", "members.set-role"]).await;
    assert_eq!(events, taken, "nothing is changed without a trace, and nothing is traced that was not changed");
}

/// One of the owners of old who is still a member.
async fn witness(
    arena: &Arena,
    organization: OrganizationId,
    count: usize,
) -> Option<tenantry_core::access::caller::Caller> {
    for person in arena.people("owner", count) {
        if arena.node(0).resolve(&person, organization).await.is_ok() {
            return Some(person);
        }
    }
    None
}
