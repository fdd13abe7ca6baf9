//! What the host limits: who creates organizations, how many a user owns, how many seats there are.

use serde_json::json;
use tenantry::core::host::Host;

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis},
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
