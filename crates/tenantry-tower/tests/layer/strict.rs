//! Where the layer is strict, the very next request sees a change, wherever it was made.

use http::Request;
use tenantry_core::{
    operations::{members, tokens},
    values::{ids::UserId, role::RoleName},
};

use crate::support::{Service, World, ask_clone, eventually, get, plain};

fn strict(world: &World) -> Service {
    plain(&world.layer().strict().build().unwrap())
}

#[tokio::test]
async fn every_request_reads_once() {
    let world = World::new().await;
    let service = strict(&world);
    assert_eq!(world.store.listeners(), 1, "streams need notices");
    let token = world.token(&[], None).await;
    let (bearer, ann, acme) = (format!("Bearer {}", token.bearer), world.bearer("ann"), world.acme.to_string());
    let wrong = format!("Bearer {}:{}", token.key, world.token(&[], None).await.bearer.rsplit(':').next().unwrap());
    for (credential, organization, status) in
        [(&bearer, "acme", 200), (&wrong, "acme", 401), (&ann, &*acme, 200), (&ann, "acme", 200)]
    {
        let headers = [("authorization", credential.as_str()), ("x-organization-id", organization)];
        // Which organization has the slug is found out once.
        assert_eq!(ask_clone(&service, get("/", &headers)).await.status, status);
        for _ in 0..10 {
            let before = world.store.calls();
            assert_eq!(ask_clone(&service, get("/", &headers)).await.status, status);
            assert_eq!(world.store.calls() - before, 1);
        }
    }
}

#[tokio::test]
async fn the_next_request_sees_what_was_done_on_another_node() {
    let world = World::new().await;
    let service = strict(&world);
    let bob = world.bearer("bob");
    let request = || get("/", &[("authorization", &bob), ("x-organization-id", "acme")]);
    let (organization_id, user_id) = (world.acme, UserId::new("bob").unwrap());
    for _ in 0..100 {
        world.join("bob", "member").await;
        assert_eq!(ask_clone(&service, request()).await.body["role"], "member");
        let role = RoleName::new("admin").unwrap();
        world.run_elsewhere("ann", &members::SetRole::new(organization_id, user_id.clone(), role)).await;
        assert_eq!(ask_clone(&service, request()).await.body["role"], "admin");
        let remove = members::Remove::new(organization_id, user_id.clone());
        world.run_elsewhere("ann", &remove).await;
        assert_eq!(ask_clone(&service, request()).await.status, 404);
    }
}

#[tokio::test]
async fn nobody_gets_what_was_read_before_they_asked() {
    let world = World::new().await;
    let service = strict(&world);
    let token = world.token(&[], None).await;
    let bearer = format!("Bearer {}", token.bearer);
    let ask = || {
        let (service, request) =
            (service.clone(), Request::get("/").header("authorization", &bearer).body(()).unwrap());
        tokio::spawn(async move { ask_clone(&service, request).await })
    };
    world.store.hold_next();
    let first = ask();
    eventually("the first read is held", async || world.store.held() == 1).await;
    world.run_elsewhere("ann", &tokens::Revoke::new(world.acme, token.key)).await;
    let second = ask();
    eventually("the second does not wait for the first", async || second.is_finished()).await;
    assert_eq!(second.await.unwrap().code(), "invalid_token");
    world.store.release();
    assert_eq!(first.await.unwrap().status, 200, "it was asked before");
}
