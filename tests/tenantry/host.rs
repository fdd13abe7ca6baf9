//! What the host's own code may do, and that nobody else may.

use serde_json::json;
use tenantry::{
    Tenantry,
    core::{
        access::caller::Identity,
        engine::idempotency::IdempotencyKey,
        operations::{join_codes, members, organizations, tokens},
        values::{
            error::Error,
            ids::{OrganizationId, UserId},
            principal::Principal,
            role::RoleName,
        },
    },
};

use crate::{actors::Actor, world::on_every_store};

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    answer.unwrap_err().code()
}

async fn actors_of(tenantry: &Tenantry, organization: &str) -> Vec<(String, Principal)> {
    let events = tenantry.engine().audit_events(organization.parse().unwrap(), None, 100).await.unwrap();
    events.into_iter().rev().map(|event| (event.action, event.actor)).collect()
}

#[tokio::test]
async fn the_host_does_what_an_owner_may_and_the_audit_log_names_it() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let acme = world.organization(&alice).await;
        let id = acme.parse().unwrap();
        let job = world.tenantry.as_host("billing-job").unwrap();
        let mut update = organizations::Update::new(id);
        update.description = Some("pays".to_owned());
        job.run(&update).await.unwrap();
        job.run(&members::Add::new(id, user("bob"))).await.unwrap();
        let tenant = job.tenant(id).await.unwrap();
        assert!(tenant.has("org:delete") && tenant.role().is_none());
        // Bob is a member as if he had been invited, and finds it by himself.
        assert_eq!(world.whoami(&bob, None).await.ok()["role"], "member");
        job.run(&members::SetRole::new(id, user("bob"), RoleName::owner())).await.unwrap();
        job.run(&members::SetRole::new(id, user("alice"), RoleName::member())).await.unwrap();
        let last = job.run(&members::Remove::new(id, user("bob"))).await;
        assert_eq!(refused(last), "last_owner");
        // What it issues is under its name, and no user's removal ends it.
        let code = job.run(&join_codes::Create::new(id)).await.unwrap();
        job.run(&members::Remove::new(id, user("alice"))).await.unwrap();
        world.call(&Actor::user("carol"), "join-codes/join", json!({ "code": code.code })).await.ok();
        let host = Principal::Host("billing-job".to_owned().try_into().unwrap());
        let by_the_host =
            ["organization.update", "members.add", "members.set-role", "join-codes.create", "members.remove"];
        for (action, principal) in actors_of(&world.tenantry, &acme).await {
            assert_eq!(principal == host, by_the_host.contains(&action.as_str()), "{action} by {principal}");
        }
        let listed = world.call(&bob, "join-codes/list", json!({ "organizationId": acme })).await.ok();
        assert_eq!(listed["joinCodes"][0]["createdBy"], json!({ "kind": "host", "id": "billing-job" }));
    })
    .await;
}

#[tokio::test]
async fn the_host_acts_in_a_suspended_organization_and_in_none_that_is_not_there() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let acme = world.organization(&alice).await;
        let id = acme.parse().unwrap();
        let job = world.tenantry.as_host("support").unwrap();
        let suspend = json!({ "organizationId": acme, "status": "suspended" });
        job.run(&serde_json::from_value::<organizations::SetStatus>(suspend).unwrap()).await.unwrap();
        world.whoami(&alice, Some(&acme)).await.refused(403, "organization_suspended");
        assert_eq!(job.run(&members::List::new(id)).await.unwrap().members.len(), 1);
        assert_eq!(refused(job.run(&members::Add::new(id, user("bob"))).await), "organization_suspended");
        let found = job.run(&organizations::Search::new()).await.unwrap();
        assert!(found.organizations.iter().any(|found| found.id == id), "it finds every organization");
        job.run(&organizations::Delete::new(id)).await.unwrap();
        assert_eq!(refused(job.run(&members::List::new(id)).await), "not_found");
        assert_eq!(refused(job.tenant(id).await), "not_found");
        assert_eq!(refused(job.run(&organizations::Create::new("Mine")).await), "forbidden");
        assert_eq!(refused(job.memberships().await), "forbidden");
    })
    .await;
}

#[tokio::test]
async fn only_the_host_adds_a_member_without_an_invitation() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let acme = world.organization(&alice).await;
        let id: OrganizationId = acme.parse().unwrap();
        let tenantry = &world.tenantry;
        let owner = tenantry.as_user(Identity::new(user("alice")));
        let add = || members::Add::new(id, user("bob"));
        assert_eq!(refused(owner.run(&add()).await), "forbidden");
        let admin = tenantry.as_user(Identity::new(user("root")).with_platform_admin());
        assert_eq!(refused(admin.run(&add()).await), "forbidden");
        let mut create = tokens::Create::new(id);
        create.permissions = Some(vec!["members:manage".to_owned()]);
        let token = owner.run(&create).await.unwrap().api_token.bearer;
        assert_eq!(refused(tenantry.as_token(&token).unwrap().run(&add()).await), "forbidden");
        assert_eq!(refused(tenantry.as_token("nonsense").map(|_| ())), "invalid_token");
        // There is no route to it.
        world
            .call(&Actor::user("root"), "members/add", json!({ "organizationId": acme, "userId": "bob" }))
            .await
            .refused(404, "not_found");

        let job = tenantry.as_host("import").unwrap();
        let mut bob = add();
        bob.roles = Some(vec![RoleName::admin()]);
        bob.email = Some("bob@example.com".to_owned());
        world
            .call(&alice, "invitations/create", json!({ "organizationId": acme, "email": "bob@example.com" }))
            .await
            .ok();
        let joined = job.run(&bob).await.unwrap();
        assert!(!joined.already_member);
        // Once is enough, and an open invitation to the same address has ended.
        assert!(job.run(&add()).await.unwrap().already_member);
        let invitations = world.call(&alice, "invitations/list", json!({ "organizationId": acme })).await.ok();
        assert_eq!(invitations["invitations"], json!([]));
        for (roles, email) in [(vec![], None), (vec!["nobody"], None), (vec!["member"], Some("no address"))] {
            let mut wrong = members::Add::new(id, user("carol"));
            wrong.roles = Some(roles.into_iter().map(|role| RoleName::new(role).unwrap()).collect());
            wrong.email = email.map(str::to_owned);
            assert_eq!(refused(job.run(&wrong).await), "invalid_request");
        }
        assert!(tenantry.as_host("").is_err() && tenantry.as_host("a\nb").is_err());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_not_sure_repeats_what_it_did() {
    on_every_store(async |world| {
        let ann = world.tenantry.as_user(Identity::new(user("ann")));
        let key = || IdempotencyKey::new("order-7").unwrap();
        let create = organizations::Create::new("Acme");
        let first = ann.run_once(key(), &create).await.unwrap().organization.id;
        assert_eq!(ann.run_once(key(), &create).await.unwrap().organization.id, first);
        assert_eq!(refused(ann.run_once(key(), &organizations::Create::new("Beta")).await), "idempotency_mismatch");
        assert_eq!(ann.memberships().await.unwrap().len(), 1);
    })
    .await;
}
