//! Slugs.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::organizations,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        slug::Slug,
    },
};

use super::arena::{Arena, attempt, refusals};
use crate::actors;

const UNIQUE: &str = "a slug has one holder";
const COUNT: usize = 8;

pub(super) async fn have_one_holder_when_created(arena: &Arena) {
    let people = arena.people("founder", COUNT);
    let slug = arena.unique("acme");
    let answers = arena
        .at_once(COUNT, |arena, number| {
            let (founder, slug) = (people[number].clone(), slug.clone());
            async move {
                let input = json!({ "name": "Acme", "slug": slug });
                attempt::<organizations::Create>(arena.node(number), &founder, input).await
            }
        })
        .await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.map(|created| created.organization.id)).collect();
    holder(arena, &people, &answers, &slug).await;
    for (person, answer) in people.iter().zip(&answers) {
        let memberships = arena.node(0).memberships(&actors::id(person)).await.expect("a list must be readable");
        let held: Vec<_> = memberships.into_iter().map(|membership| membership.organization.id).collect();
        let expected: Vec<_> = answer.iter().copied().collect();
        assert_eq!(held, expected, "{UNIQUE}, and whoever does not get it has no organization from the try");
    }
}

pub(super) async fn have_one_holder_when_renamed(arena: &Arena) {
    let people = arena.people("founder", COUNT);
    let mut organizations = Vec::with_capacity(COUNT);
    for person in &people {
        organizations.push(arena.organization(person).await);
    }
    let slug = arena.unique("acme");
    let answers = arena
        .at_once(COUNT, |arena, number| {
            let (founder, input) =
                (people[number].clone(), json!({ "organizationId": organizations[number], "slug": slug }));
            async move { attempt::<organizations::Update>(arena.node(number), &founder, input).await }
        })
        .await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.map(|updated| updated.organization.id)).collect();
    let holder = holder(arena, &people, &answers, &slug).await;

    let other = arena.unique("other");
    let renamed = json!({ "organizationId": organizations[holder], "slug": other });
    arena.must::<organizations::Update>(&people[holder], renamed).await;
    let next = (holder + 1) % COUNT;
    let input = json!({ "organizationId": organizations[next], "slug": slug });
    let taken = attempt::<organizations::Update>(arena.node(1), &people[next], input).await;
    assert!(taken.is_ok(), "a slug is free once its holder has another: {taken:?}");
    // Whichever was last seen to have it.
    for seen in [None, Some(organizations[holder]), Some(organizations[next])] {
        let new = resolved(arena, &people[next], &slug, seen).await.ok();
        assert_eq!(new, Some(organizations[next]), "{UNIQUE}: the new one");
        let former = resolved(arena, &people[holder], &slug, seen).await.map_err(|error| error.kind());
        assert_eq!(former, Err(ErrorKind::NotFound), "{UNIQUE}: no more the former one");
    }
}

pub(super) async fn are_derived_apart(arena: &Arena) {
    const PROMISE: &str = "organizations of the same name get slugs of their own";
    let people = arena.people("founder", COUNT);
    let name = arena.unique("Acme");
    let answers = arena
        .at_once(COUNT, |arena, number| {
            let (founder, name) = (people[number].clone(), name.clone());
            async move { attempt::<organizations::Create>(arena.node(number), &founder, json!({ "name": name })).await }
        })
        .await;
    refusals(PROMISE, &answers, &[]);
    let mut slugs = BTreeSet::new();
    for (person, created) in people.iter().zip(answers.into_iter().flatten()) {
        let slug = created.organization.slug;
        assert_eq!(resolved(arena, person, &slug, None).await.ok(), Some(created.organization.id), "{PROMISE}: {slug}");
        slugs.insert(slug);
    }
    assert_eq!(slugs.len(), COUNT, "{PROMISE}: {slugs:?}");
}

/// Who has the slug: exactly one, by the answers and by the slug itself.
async fn holder(arena: &Arena, people: &[Caller], answers: &[Result<OrganizationId, Error>], slug: &str) -> usize {
    let refused = refusals(UNIQUE, answers, &[ErrorKind::SlugTaken]);
    assert_eq!(answers.len() - refused, 1, "{UNIQUE}, by the answers: {answers:?}");
    let holder = answers.iter().position(Result::is_ok).unwrap_or_default();
    let found = resolved(arena, &people[holder], slug, None).await.ok();
    assert_eq!(found, answers[holder].as_ref().ok().copied(), "{UNIQUE}, and it leads there");
    holder
}

async fn resolved(
    arena: &Arena,
    caller: &Caller,
    slug: &str,
    seen: Option<OrganizationId>,
) -> Result<OrganizationId, Error> {
    let slug: Slug = slug.parse().expect("the race uses well-formed slugs");
    arena.node(1).resolve_slug(caller, &slug, seen).await.map(|tenant| tenant.organization_id())
}
