//! A user's list of organizations, which is kept apart from the organizations themselves.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    operations::{join_codes, members, organizations},
    values::ids::OrganizationId,
};

use super::arena::{Arena, attempt};
use crate::actors;

const PROMISE: &str = "whoever is a member finds the organization in their list, at every moment";
/// How often each organization is joined and left in a round.
const TURNS: usize = 4;

/// Where a user comes and goes.
struct Place {
    organization: OrganizationId,
    code: String,
}

async fn places(arena: &Arena, owner: &Caller, count: usize) -> Arc<[Place]> {
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        let organization = arena.organization(owner).await;
        let created = arena.must::<join_codes::Create>(owner, json!({ "organizationId": organization })).await;
        places.push(Place { organization, code: created.code });
    }
    places.into()
}

/// The organizations in the user's list, read page by page, two to a page.
async fn list(arena: &Arena, number: usize, user: &Caller) -> BTreeSet<OrganizationId> {
    let mut found = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let input = json!({ "cursor": cursor, "limit": 2 });
        let page = attempt::<organizations::List>(arena.node(number), user, input).await;
        let page = page.unwrap_or_else(|error| panic!("{PROMISE}, and can list it: {error:?}"));
        found.extend(page.organizations.into_iter().map(|membership| membership.organization.id));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

/// The user stays in one organization, comes to and goes from others, and lists all the while.
pub(super) async fn are_always_in_the_users_list(arena: &Arena) {
    let (owner, user) = (arena.person("owner"), arena.person("user"));
    let places = places(arena, &owner, 4).await;
    arena.must::<join_codes::Join>(&user, json!({ "code": places[0].code })).await;
    let busy = Arc::new(AtomicUsize::new(places.len() - 1));
    arena
        .at_once(places.len() + 1, |arena, number| {
            let (owner, user, places, busy) = (owner.clone(), user.clone(), places.clone(), busy.clone());
            async move {
                if (1..places.len()).contains(&number) {
                    come_and_go(&arena, number, &owner, &user, &places[number]).await;
                    busy.fetch_sub(1, Ordering::SeqCst);
                } else {
                    while busy.load(Ordering::SeqCst) > 0 {
                        let found = list(&arena, number, &user).await;
                        assert!(found.contains(&places[0].organization), "{PROMISE}: {found:?}");
                        tokio::task::yield_now().await;
                    }
                }
            }
        })
        .await;
}

async fn come_and_go(arena: &Arena, number: usize, owner: &Caller, user: &Caller, place: &Place) {
    for turn in 0..TURNS {
        let joined = attempt::<join_codes::Join>(arena.node(number + turn), user, json!({ "code": place.code })).await;
        assert!(joined.is_ok_and(|joined| !joined.already_member), "whoever was removed can join again");
        let found = list(arena, turn, user).await;
        assert!(found.contains(&place.organization), "{PROMISE}: missing right after joining");
        let input = json!({ "organizationId": place.organization, "userId": actors::id(user) });
        let removed = attempt::<members::Remove>(arena.node(turn), owner, input).await;
        assert!(removed.is_ok(), "an owner can remove a member: {removed:?}");
        let found = list(arena, number + turn, user).await;
        assert!(!found.contains(&place.organization), "whoever was removed finds the organization no more");
    }
}

/// Several join and remove the user at once; whatever comes of it, both sides tell the same.
pub(super) async fn agree_with_the_members_in_the_end(arena: &Arena) {
    let (owner, user) = (arena.person("owner"), arena.person("user"));
    let places = places(arena, &owner, 2).await;
    arena
        .at_once(places.len() * 4, |arena, number| {
            let (owner, user, places) = (owner.clone(), user.clone(), places.clone());
            async move {
                let (place, node) = (&places[number % places.len()], arena.node(number));
                for _ in 0..TURNS {
                    let answer = if number < places.len() * 2 {
                        let joined = attempt::<join_codes::Join>(node, &user, json!({ "code": place.code })).await;
                        joined.map(|_| ())
                    } else {
                        let input = json!({ "organizationId": place.organization, "userId": actors::id(&user) });
                        attempt::<members::Remove>(node, &owner, input).await.map(|_| ())
                    };
                    assert!(answer.is_ok(), "to join or be removed again is no fault: {answer:?}");
                }
            }
        })
        .await;
    let mut held = BTreeSet::new();
    for place in &*places {
        let members = arena.members(place.organization, &owner).await;
        if members.iter().any(|member| member.user_id.as_ref() == Some(&actors::id(&user))) {
            held.insert(place.organization);
        }
        let listed = arena.must::<join_codes::List>(&owner, json!({ "organizationId": place.organization })).await;
        let joins = arena.events(place.organization, &["join-codes.join"]).await;
        assert_eq!(listed.join_codes[0].uses, joins as u64, "a join code counts each joining once");
    }
    assert_eq!(list(arena, 1, &user).await, held, "a user's list and the organizations' members agree in the end");
}
