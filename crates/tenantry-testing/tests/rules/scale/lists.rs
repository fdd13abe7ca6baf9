//! Lists, and what the layer asks.

use serde_json::json;
use tenantry_core::{
    access::caller::Caller,
    engine::resolve::OnlyOrganization,
    operations::{invitations, join_codes, members, organizations, tokens},
};
use tenantry_testing::{actors, counting::Counts};

use super::{Page, World, changes, same};

/// Few members, and many; likewise organizations of one user, and of everything else.
const MEMBERS: [usize; 2] = [20, 20_000];
const ORGANIZATIONS: [usize; 2] = [6, 600];
const OTHERS: [usize; 2] = [20, 600];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_changes_cost_the_same_in_memory() {
    hold(World::in_memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_changes_cost_the_same_on_redis() {
    hold(World::new(crate::redis("scale").await)).await;
}

async fn hold(world: World) {
    let owner = actors::user("owner-of-members");
    let few = world.populate(&owner, MEMBERS[0]).await;
    let many = world.populate(&owner, MEMBERS[1]).await;
    of_members(&world, &owner, [&few, &many]).await;
    changes::cost_the_same(&world, &owner, [&few, &many]).await;
    of_one_user(&world).await;
    of_what_else_an_organization_has(&world).await;
}

async fn of_members(world: &World, owner: &Caller, organizations: [&str; 2]) {
    let limit = MEMBERS[0];
    let mut pages = Vec::new();
    for id in organizations {
        let input = json!({ "organizationId": id, "limit": limit });
        pages.push(world.pages::<members::List>(owner, "members", input).await);
    }
    // The caller's rights, the index, the rows.
    let expected = Counts { reads: 2, keys: 3 + limit, ranges: 1, entries: limit, ..Counts::default() };
    same("members/list", &pages, MEMBERS[1] / limit, expected);
}

async fn of_one_user(world: &World) {
    let limit = ORGANIZATIONS[0];
    let (mut listed, mut waiting) = (Vec::new(), Vec::new());
    for count in ORGANIZATIONS {
        let [owner, invitee] = ["owner", "invitee"].map(|role| actors::user(&format!("{role}-{count:03}")));
        let ids = world.create_many(&owner, count, |number| format!("Organization {number:03}")).await;
        for id in &ids {
            let email = format!("{}@example.com", actors::id(&invitee));
            world.must::<invitations::Create>(&owner, json!({ "organizationId": id, "email": email })).await;
        }
        let page = json!({ "limit": limit });
        listed.push(world.pages::<organizations::List>(&owner, "organizations", page.clone()).await);
        waiting.push(world.pages::<invitations::Mine>(&invitee, "invitations", page).await);
        resolves(world, &owner, &ids).await;
    }
    let full_pages = ORGANIZATIONS[1] / limit;
    // The index, and of each organization three rows in one call: itself, its roles, and the membership or invitation.
    // Where it is shown whole, its profile as well.
    let expected = Counts { reads: limit, keys: 3 * limit, sorted_ranges: 1, entries: limit, ..Counts::default() };
    same("list", &listed, full_pages, Counts { keys: 4 * limit, ..expected });
    same("invitations/mine", &waiting, full_pages, expected);
}

/// What the layer asks for a user of all these organizations.
async fn resolves(world: &World, user: &Caller, organizations: &[String]) {
    for id in [organizations.first(), organizations.last()].into_iter().flatten() {
        world.store.take();
        world.engine.resolve(user, id.parse().expect("it is an id")).await.expect("it is theirs");
        let counts = Counts { bytes: 0, ..world.store.take() };
        assert_eq!(counts, Counts { reads: 1, keys: 3, ..Counts::default() }, "one that is named is read alone");
    }
    let identity = user.user().expect("a user asks");
    let only = world.engine.only_organization(identity).await.expect("the store answers");
    assert!(matches!(only, OnlyOrganization::Several));
    let counts = Counts { bytes: 0, ..world.store.take() };
    let looked_at = organizations.len().min(16);
    let expected =
        Counts { reads: looked_at, keys: 3 * looked_at, sorted_ranges: 1, entries: looked_at, ..Counts::default() };
    assert_eq!(counts, expected, "that it is not the only one is known after 16");
}

async fn of_what_else_an_organization_has(world: &World) {
    let owner = actors::user("owner-of-others");
    let limit = OTHERS[0];
    let mut pages: [Vec<Vec<Page>>; 3] = Default::default();
    for count in OTHERS {
        let id = world.create(&owner, "Others").await;
        let here = json!({ "organizationId": id });
        for batch in (0..count).collect::<Vec<_>>().chunks(100) {
            let invitees = batch.iter().map(|number| json!({ "username": format!("invitee-{number:05}") }));
            let invite = json!({ "organizationId": id, "invitations": invitees.collect::<Vec<_>>() });
            world.must::<invitations::CreateBatch>(&owner, invite).await;
        }
        for _ in 0..count {
            world.must::<join_codes::Create>(&owner, here.clone()).await;
            world.must::<tokens::Create>(&owner, here.clone()).await;
        }
        let page = json!({ "organizationId": id, "limit": limit });
        pages[0].push(world.pages::<invitations::List>(&owner, "invitations", page.clone()).await);
        pages[1].push(world.pages::<join_codes::List>(&owner, "joinCodes", page.clone()).await);
        pages[2].push(world.pages::<tokens::List>(&owner, "apiTokens", page).await);
    }
    let [invitations, join_codes, tokens] = pages;
    let full_pages = OTHERS[1] / limit;
    let expected = Counts { reads: 2, keys: 3 + limit, ranges: 1, entries: limit, ..Counts::default() };
    same("invitations/list", &invitations, full_pages, expected);
    // Of each also how often it was used, or when last.
    let expected = Counts { reads: 3, keys: 3 + 2 * limit, ..expected };
    same("join-codes/list", &join_codes, full_pages, expected);
    same("tokens/list", &tokens, full_pages, expected);
}
