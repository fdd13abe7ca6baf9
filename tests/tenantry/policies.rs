//! What the host limits: who creates organizations, how many a user owns, how many seats there are, which slugs are its
//! own, and who sees who is invited.

use serde_json::json;
use tenantry::core::host::Host;

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, on_every_store, redis},
};

/// Runs a test on every store, with these policies.
pub(crate) async fn with(host: Host, test: impl AsyncFn(World)) {
    test(World::start_with(embedded(), host.clone()).await).await;
    test(World::start_with(redis(&new_namespace()).await, host).await).await;
}

#[tokio::test]
async fn only_whom_the_host_lets_creates_an_organization() {
    with(Host::default().who_may_create(|user| user.verified_email().is_some()), async |world| {
        world.organization(&Actor::user("alice")).await;
        let unverified = Actor::with_claims("bob", &json!({ "email_verified": false }));
        let refused = world.call(&unverified, "create", json!({ "name": "Acme" })).await;
        refused.refused(403, "forbidden");
        assert!(refused.body["detail"].as_str().unwrap().contains("ask the operator"));
    })
    .await;
}

#[tokio::test]
async fn a_user_owns_as_many_organizations_as_the_host_allows_by_whatever_way() {
    with(Host::default().organizations_owned_max(2), async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let new = json!({ "name": "Acme" });
        let first = world.organization(&alice).await;
        let taken = json!({ "name": "Acme", "slug": "acme" });
        for _ in 0..3 {
            world.call(&alice, "create", taken.clone()).await.refused(409, "slug_taken");
        }
        // What was refused is not counted.
        let second = world.organization(&alice).await;
        world.call(&alice, "create", new.clone()).await.refused(409, "owned_limit");

        world.join(&alice, &first, &bob, "member").await;
        let to = |organization: &str, user: &str| json!({ "organizationId": organization, "userId": user });
        world.call(&alice, "transfer-ownership", to(&first, "bob")).await.ok();
        let third = world.organization(&alice).await;
        world.call(&bob, "transfer-ownership", to(&first, "alice")).await.refused(409, "owned_limit");
        let promote = json!({ "organizationId": first, "userId": "alice", "role": "owner" });
        world.call(&bob, "members/set-role", promote.clone()).await.refused(409, "owned_limit");
        let coded = json!({ "organizationId": third, "role": "owner", "maxUses": 1 });
        let coded = world.call(&alice, "join-codes/create", coded).await.ok();
        world.organization(&bob).await;
        world.call(&bob, "join-codes/join", json!({ "code": coded["code"] })).await.refused(409, "owned_limit");

        // Whoever is an owner no more has room for another: demoted, gone, or removed.
        world.join(&alice, &second, &Actor::user("carol"), "owner").await;
        world.call(&alice, "leave", json!({ "organizationId": second })).await.ok();
        world.call(&bob, "members/set-role", promote).await.ok();
        world.call(&alice, "members/remove", to(&first, "bob")).await.ok();
        world.call(&bob, "join-codes/join", json!({ "code": coded["code"] })).await.ok();
        for actor in [&alice, &bob] {
            world.call(actor, "create", new.clone()).await.refused(409, "owned_limit");
        }
    })
    .await;
}

#[tokio::test]
async fn an_organization_has_as_many_members_as_it_has_seats() {
    let host = Host::default().seats_max(|organization| (organization.kind.as_deref() != Some("big")).then_some(2));
    with(host, async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let here = json!({ "organizationId": organization });
        let coded = json!({ "organizationId": organization, "maxUses": 2 });
        let join = json!({ "code": world.call(&alice, "join-codes/create", coded).await.ok()["code"] });
        let invite = json!({ "organizationId": organization, "username": "carol" });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        let accept = json!({ "token": invited["token"] });
        world.call(&bob, "join-codes/join", join.clone()).await.ok();
        world.call(&carol, "join-codes/join", join.clone()).await.refused(409, "seats_exhausted");
        world.call(&carol, "invitations/accept", accept.clone()).await.refused(409, "seats_exhausted");
        // A member needs no other seat, and who was refused used nothing up.
        assert_eq!(world.call(&bob, "join-codes/join", join.clone()).await.ok()["alreadyMember"], true);
        assert_eq!(world.call(&alice, "join-codes/list", here.clone()).await.ok()["joinCodes"][0]["uses"], 1);
        world.call(&bob, "leave", here.clone()).await.ok();
        world.call(&carol, "invitations/accept", accept).await.ok();
        world.call(&bob, "join-codes/join", join.clone()).await.refused(409, "seats_exhausted");
        let remove = json!({ "organizationId": organization, "userId": "carol" });
        world.call(&alice, "members/remove", remove.clone()).await.ok();
        // Who is removed already gives no other seat back.
        world.call(&alice, "members/remove", remove).await.ok();
        world.call(&bob, "join-codes/join", join).await.ok();
        world.call(&alice, "update", json!({ "organizationId": organization, "type": "big" })).await.ok();
        world.join(&alice, &organization, &carol, "member").await;
    })
    .await;
}

#[tokio::test]
async fn a_slug_that_is_kept_for_the_service_is_nobodys() {
    on_every_store(async |world| {
        let [alice, root] = ["alice", "root"].map(Actor::user);
        let admin = Actor::platform_admin();
        let organization = world.organization(&alice).await;
        for (by, slug) in [(&alice, "www"), (&alice, "admin"), (&admin, "admin"), (&root, "support")] {
            let created = world.call(by, "create", json!({ "name": "Acme", "slug": slug })).await;
            created.names_field("slug");
            assert_eq!(created.body["errors"][0]["code"], "reserved");
        }
        let rename = json!({ "organizationId": organization, "slug": "login" });
        world.call(&alice, "update", rename).await.names_field("slug");
        // One that is made from the name makes way.
        let made = world.call(&alice, "create", json!({ "name": "Admin" })).await.ok();
        assert!(made["organization"]["slug"].as_str().unwrap().starts_with("admin-"), "{made}");
    })
    .await;
}

#[tokio::test]
async fn the_host_says_which_slugs_it_keeps() {
    let host = Host::default().reserved_slugs(["acme"]).slug_reserved(|slug| slug.as_str().starts_with("globex"));
    with(host, async |world| {
        let alice = Actor::user("alice");
        let create = |name: &str, slug: Option<&str>| json!({ "name": name, "slug": slug });
        for slug in ["acme", "globex", "globex-2"] {
            world.call(&alice, "create", create("Mine", Some(slug))).await.names_field("slug");
        }
        // Its list takes the place of the default one.
        world.call(&alice, "create", create("Mine", Some("www"))).await.ok();
        let made = world.call(&alice, "create", create("Acme", None)).await.ok();
        assert!(made["organization"]["slug"].as_str().unwrap().starts_with("acme-"), "{made}");
        // No suffix makes this one free.
        world.call(&alice, "create", create("Globex", None)).await.names_field("slug");
    })
    .await;
}

#[tokio::test]
async fn an_organization_keeps_a_slug_that_is_reserved_later() {
    let store = embedded();
    let world = World::start_with(store.clone(), Host::default().reserved_slugs([""; 0])).await;
    let alice = Actor::user("alice");
    let created = world.call(&alice, "create", json!({ "name": "Docs", "slug": "docs" })).await.ok();
    let world = World::start_with(store, Host::default()).await;
    let update =
        |slug: &str, name: &str| json!({ "organizationId": created["organization"]["id"], "slug": slug, "name": name });
    let updated = world.call(&alice, "update", update("docs", "Documents")).await.ok();
    assert_eq!(
        (&updated["organization"]["slug"], &updated["organization"]["name"]),
        (&json!("docs"), &json!("Documents"))
    );
    world.call(&alice, "update", update("documents", "Documents")).await.ok();
    world.call(&alice, "update", update("docs", "Documents")).await.names_field("slug");
}

#[tokio::test]
async fn the_host_shows_every_member_who_is_invited() {
    with(Host::default().members_see_invitations(), async |world| {
        let [alice, carol] = ["alice", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let invite = json!({ "organizationId": organization, "email": "dan@example.com" });
        world.call(&alice, "invitations/create", invite).await.ok();
        let list = json!({ "organizationId": organization, "withInvitations": true });
        let listed = world.call(&carol, "members/list", list.clone()).await.ok();
        assert_eq!(listed["members"][2]["email"], "dan@example.com");
        let blind = world.token(&alice, &organization, &["org:view"]).await;
        world.call(&blind, "members/list", list).await.refused(403, "forbidden");
    })
    .await;
}
