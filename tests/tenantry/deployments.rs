//! A host that comes back with other permissions and roles: nobody gains rights by a name.

use serde_json::{Value, json};
use tenantry::{
    TenantryBuilder,
    core::{access::discrepancy::Discrepancy, values::role::RoleName},
};

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis, usual},
};

/// Runs a test that deploys the service several times on one store, on every store.
async fn on_one_store(test: impl AsyncFn(&dyn Fn() -> Deploying)) {
    let store = embedded();
    test(&|| Deploying(Box::pin(std::future::ready(store.clone())))).await;
    let namespace = new_namespace();
    test(&|| {
        let namespace = namespace.clone();
        Deploying(Box::pin(async move { redis(&namespace).await }))
    })
    .await;
}

struct Deploying(std::pin::Pin<Box<dyn Future<Output = std::sync::Arc<dyn tenantry::core::store::Store>>>>);

impl Deploying {
    async fn with(self, register: impl FnOnce(TenantryBuilder) -> TenantryBuilder) -> World {
        World::deploy(self.0.await, register).await
    }
}

/// Of the caller: the highest role, and what they may do.
async fn rights(world: &World, actor: &Actor, organization: &str) -> (Value, Value) {
    let who = world.whoami(actor, Some(organization)).await.ok();
    (who["role"].clone(), who["permissions"].clone())
}

#[tokio::test]
async fn a_role_that_an_organization_defined_keeps_its_name_whatever_the_host_registers() {
    on_one_store(async |deploy| {
        let world = deploy().with(usual).await;
        let [alice, bob, carol, dan] = ["alice", "bob", "carol", "dan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let with = |mut input: Value| {
            input["organizationId"] = json!(organization);
            input
        };
        let clerk = with(json!({ "role": "clerk", "permissions": ["org:view"] }));
        world.call(&alice, "roles/create", clerk.clone()).await.ok();
        world.join(&alice, &organization, &bob, "clerk").await;
        let invite = |email: &str, role: &str| with(json!({ "email": email, "role": role }));
        let invited = world.call(&alice, "invitations/create", invite("carol@example.com", "clerk")).await.ok();
        let code = world.call(&alice, "join-codes/create", with(json!({ "role": "clerk" }))).await.ok();

        // The host has a role of that name now, which permits more.
        let world =
            deploy().with(|builder| usual(builder).role("clerk", ["org:view", "members:view", "notes:write"])).await;
        let own = (json!("clerk"), json!(["org:view"]));
        assert_eq!(rights(&world, &bob, &organization).await, own);
        let accepted = world.call(&carol, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        assert_eq!(accepted["role"], "clerk");
        let joined = world.call(&dan, "join-codes/join", json!({ "code": code["code"] })).await.ok();
        assert_eq!(joined["role"], "clerk");
        for actor in [&carol, &dan] {
            assert_eq!(rights(&world, actor, &organization).await, own);
        }
        let shadowed = Discrepancy::RoleShadowed {
            organization: organization.parse().unwrap(),
            role: RoleName::new("clerk").unwrap(),
        };
        assert_eq!(world.tenantry.engine().registry().discrepancies(), [shadowed]);

        // The matrix shows both, and both can be given.
        let shown = world.call(&alice, "roles", with(json!({}))).await.ok();
        let roles = ["owner", "admin", "writer", "recruiter", "host.clerk", "clerk", "member"];
        assert_eq!((&shown["roles"], &shown["matrix"]["clerk"]), (&json!(roles), &json!(["org:view"])));
        let permissions = json!(["org:view", "members:view", "notes:write"]);
        assert_eq!(shown["matrix"]["host.clerk"], permissions);
        let hosts = (json!("host.clerk"), permissions);
        let set = |user: &str, role: &str| with(json!({ "userId": user, "role": role }));
        world.call(&alice, "members/set-role", set("bob", "host.clerk")).await.ok();
        assert_eq!(rights(&world, &bob, &organization).await, hosts);
        world.call(&alice, "members/set-role", set("bob", "clerk")).await.ok();
        assert_eq!(rights(&world, &bob, &organization).await, own);
        let both = with(json!({ "userId": "bob", "roles": ["clerk", "host.clerk", "member"] }));
        let member = world.call(&alice, "members/update", both).await.ok()["member"].clone();
        assert_eq!(member["roles"], json!(["host.clerk", "clerk", "member"]));
        let invited = world.call(&alice, "invitations/create", invite("erin@example.com", "host.clerk")).await.ok();
        assert_eq!(invited["invitation"]["role"], "host.clerk");
        let code = world.call(&alice, "join-codes/create", with(json!({ "role": "host.clerk" }))).await.ok();
        assert_eq!(code["joinCode"]["role"], "host.clerk");

        // The organization still decides about its own, and about nobody else's.
        let widen = with(json!({ "role": "clerk", "permissions": ["org:view", "audit:view"] }));
        world.call(&alice, "roles/update", widen).await.ok();
        assert_eq!(rights(&world, &carol, &organization).await.1, json!(["org:view", "audit:view"]));
        world.call(&alice, "roles/update", with(json!({ "role": "host.clerk" }))).await.refused(404, "not_found");
        world.call(&alice, "roles/create", clerk.clone()).await.refused(409, "role_taken");
        let refused = world.call(&alice, "roles/delete", with(json!({ "role": "clerk" }))).await;
        refused.refused(409, "role_in_use");
        // Bob, Carol, Dan and the codes by which Bob and Dan came; not those who have the host's.
        assert!(refused.body["detail"].as_str().unwrap().starts_with("5 "), "{}", refused.body);
        let replace = with(json!({ "role": "clerk", "replacement": "host.clerk" }));
        world.call(&alice, "roles/delete", replace).await.ok();
        assert_eq!(rights(&world, &carol, &organization).await, hosts);
    })
    .await;
}

#[tokio::test]
async fn where_no_role_of_the_organization_has_the_name_the_hosts_has_both() {
    on_one_store(async |deploy| {
        let world = deploy().with(usual).await;
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "host.writer").await;
        assert_eq!(rights(&world, &bob, &organization).await.0, "writer");
        let set = |role: &str| json!({ "organizationId": organization, "userId": "bob", "role": role });
        for role in ["writer", "host.writer"] {
            world.call(&alice, "members/set-role", set(role)).await.ok();
            assert_eq!(rights(&world, &bob, &organization).await.0, "writer");
        }
        for unknown in ["host.owner", "host.member", "host.clerk", "host.", "host.host.writer"] {
            world.call(&alice, "members/set-role", set(unknown)).await.names_field("role");
        }
        for name in ["host.clerk", "host.writer"] {
            let define = json!({ "organizationId": organization, "role": name, "permissions": [] });
            world.call(&alice, "roles/create", define).await.names_field("role");
        }
        assert_eq!(world.tenantry.engine().registry().discrepancies(), []);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_the_host_gave_up_is_the_organizations_and_leads_nobody_astray() {
    on_one_store(async |deploy| {
        let world = deploy().with(usual).await;
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "writer").await;
        let world = deploy().with(|builder| builder.permission("notes:write")).await;
        assert_eq!(rights(&world, &bob, &organization).await, (json!("writer"), json!([])));
        let unknown = Discrepancy::RoleUnknown { role: RoleName::new("host.writer").unwrap() };
        assert_eq!(world.tenantry.engine().registry().discrepancies(), [unknown]);
        // Whoever had the host's role has not got the organization's by that.
        let define = json!({ "organizationId": organization, "role": "writer", "permissions": ["audit:view"] });
        world.call(&alice, "roles/create", define).await.ok();
        assert_eq!(rights(&world, &bob, &organization).await, (json!("host.writer"), json!([])));
        world.join(&alice, &organization, &carol, "writer").await;
        assert_eq!(rights(&world, &carol, &organization).await, (json!("writer"), json!(["audit:view"])));
        let world = deploy().with(|builder| builder.permission("notes:write").retired_role("writer")).await;
        assert_eq!(rights(&world, &bob, &organization).await, (json!("host.writer"), json!([])));
        assert_eq!(world.tenantry.engine().registry().discrepancies(), []);
    })
    .await;
}

#[tokio::test]
async fn a_permission_that_is_gone_grants_nothing_and_does_not_come_back_once_it_is_retired() {
    on_one_store(async |deploy| {
        let world = deploy().with(usual).await;
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let define =
            json!({ "organizationId": organization, "role": "clerk", "permissions": ["org:view", "notes:write"] });
        world.call(&alice, "roles/create", define).await.ok();
        world.join(&alice, &organization, &bob, "clerk").await;
        let token = world.token(&alice, &organization, &["org:view", "notes:write"]).await;
        let unknown = Discrepancy::PermissionUnknown { permission: "notes:write".to_owned() };
        for (is_retired, told) in [(false, &[unknown][..]), (true, &[])] {
            let retire = |builder: TenantryBuilder| builder.retired_permission("notes:write");
            let world = deploy().with(|builder| if is_retired { retire(builder) } else { builder }).await;
            assert_eq!(rights(&world, &bob, &organization).await, (json!("clerk"), json!(["org:view"])));
            assert_eq!(rights(&world, &token, &organization).await.1, json!(["org:view"]));
            let about = json!({ "organizationId": organization });
            let listed = world.call(&alice, "tokens/list", about.clone()).await.ok();
            assert_eq!(listed["apiTokens"][0]["permissions"], json!(["org:view"]));
            let shown = world.call(&alice, "roles", about).await.ok();
            assert_eq!(shown["matrix"]["clerk"], json!(["org:view"]));
            assert!(!shown["permissions"].as_array().unwrap().contains(&json!("notes:write")));
            let mint = json!({ "organizationId": organization, "permissions": ["notes:write"] });
            world.call(&alice, "tokens/create", mint).await.names_field("permissions");
            assert_eq!(world.tenantry.engine().registry().discrepancies(), told);
        }
        // Registered again without a word, it counts for all who were given it once.
        let world = deploy().with(usual).await;
        assert_eq!(rights(&world, &bob, &organization).await.1, json!(["org:view", "notes:write"]));
    })
    .await;
}
