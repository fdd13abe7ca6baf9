//! Answers are remembered as long as they are true, and no longer.

use std::time::Duration;

use futures_util::future;
use http::{Request, header::AUTHORIZATION};
use tenantry_core::{
    operations::{accounts, members, tokens},
    store::change::Signal,
    values::{
        clock::{Clock, SystemClock},
        ids::UserId,
        role::RoleName,
    },
};

use tenantry_tower::{ClaimNames, TenantryLayer, jwt::Issuer};

use crate::support::{AUDIENCE, ISSUER, Signing, World, ask_clone, claims, eventually, get, hs256_key, plain, sign};

fn request(credential: &str) -> Request<()> {
    Request::get("/").header(AUTHORIZATION, credential).header("x-organization-id", "acme").body(()).unwrap()
}

#[tokio::test]
async fn a_token_that_is_revoked_here_is_refused_at_the_next_request() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    let token = world.token(&[], None).await;
    let credential = format!("Bearer {}", token.bearer);
    world.until_remembered(&service, || request(&credential)).await;
    assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
    world.run("ann", &tokens::Revoke::new(world.acme, token.key)).await;
    assert_eq!(ask_clone(&service, request(&credential)).await.code(), "invalid_token");
}

#[tokio::test]
async fn a_role_changed_on_another_node_is_seen_and_a_member_removed_there_refused() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    world.join("bob", "member").await;
    let credential = world.bearer("bob");
    world.until_remembered(&service, || request(&credential)).await;
    assert_eq!(ask_clone(&service, request(&credential)).await.body["role"], "member");
    let (organization_id, user_id) = (world.acme, UserId::new("bob").unwrap());
    let role = RoleName::new("admin").unwrap();
    world.run_elsewhere("ann", &members::SetRole::new(organization_id, user_id.clone(), role)).await;
    eventually("the new role is seen", async || {
        ask_clone(&service, request(&credential)).await.body["role"] == "admin"
    })
    .await;
    world.run_elsewhere("ann", &members::Remove::new(organization_id, user_id)).await;
    eventually("bob is refused", async || ask_clone(&service, request(&credential)).await.status == 404).await;
}

#[tokio::test]
async fn a_known_answer_asks_nobody_and_ends_with_its_age() {
    let world = World::new().await;
    let service = plain(&world.layer().max_age(Duration::from_secs(10)).build().unwrap());
    let credential = world.bearer("ann");
    world.until_remembered(&service, || request(&credential)).await;
    let before = world.store.reads();
    for _ in 0..100 {
        assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
    }
    assert_eq!(world.store.reads(), before);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
    assert_eq!(world.store.reads(), before + 1);
}

#[tokio::test]
async fn a_clock_that_is_corrected_makes_nothing_last_longer() {
    let world = World::new().await;
    let service = plain(&world.layer().max_age(Duration::from_secs(10)).build().unwrap());
    let token = world.token(&[], Some(Duration::from_secs(3600))).await;
    let credential = format!("Bearer {}", token.bearer);
    world.until_remembered(&service, || request(&credential)).await;
    world.clock.set_back(Duration::from_secs(86_400));
    let before = world.store.reads();
    assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
    assert_eq!(world.store.reads(), before, "it is as old as it was");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
    assert_eq!(world.store.reads(), before + 1);
}

#[tokio::test]
async fn a_jwt_ends_though_it_is_remembered() {
    let world = World::new().await;
    let service = plain(&world.layer().max_age(Duration::from_secs(3600)).build().unwrap());
    let credential = world.bearer("ann");
    world.until_remembered(&service, || request(&credential)).await;
    world.clock.advance(Duration::from_secs(3600));
    let answer = ask_clone(&service, request(&credential)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "expired_token"));
}

#[tokio::test]
async fn what_has_ended_while_the_machine_was_paused_is_given_no_more() {
    let world = World::new().await;
    let service = plain(&world.layer().max_age(Duration::from_secs(3600)).build().unwrap());
    let lasting = world.token(&[], None).await;
    let token = world.token(&[], Some(Duration::from_secs(3600))).await;
    let credentials = [world.bearer("ann"), format!("Bearer {}", token.bearer), format!("Bearer {}", lasting.bearer)];
    for credential in &credentials {
        world.until_remembered(&service, || request(credential)).await;
    }
    world.clock.put_forward(Duration::from_secs(3599));
    let before = world.store.reads();
    for credential in &credentials {
        assert_eq!(ask_clone(&service, request(credential)).await.status, 200);
    }
    assert_eq!(world.store.reads(), before, "it is as old as it was");
    world.clock.put_forward(Duration::from_secs(1));
    for credential in &credentials[..2] {
        assert_eq!(ask_clone(&service, request(credential)).await.code(), "expired_token");
    }
    assert_eq!(ask_clone(&service, request(&credentials[2])).await.status, 200, "it has no end");
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_cause_one_read() {
    let world = World::new().await;
    world.join("bob", "member").await;
    let service = plain(&world.layer().build().unwrap());
    world.until_remembered(&service, || request(&world.bearer("ann"))).await;
    let credential = world.bearer("bob");
    let before = world.store.reads();
    world.store.hold_next();
    let asking = future::join_all((0..100).map(|_| ask_clone(&service, request(&credential))));
    let releasing = async {
        eventually("one read is held", async || world.store.held() == 1).await;
        world.store.release();
    };
    let (answers, ()) = future::join(asking, releasing).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(world.store.reads(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_ask_on_several_cores_cause_one_read() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    world.until_remembered(&service, || request(&world.bearer("ann"))).await;
    for round in 0..500 {
        // Another JWT of hers each time, and no change, of which a notice could come late.
        world.clock.advance(Duration::from_secs(1));
        let credential = world.bearer("ann");
        let before = world.store.reads();
        let asking = (0..64).map(|_| {
            let (service, request) = (service.clone(), request(&credential));
            tokio::spawn(async move { ask_clone(&service, request).await.status })
        });
        for status in future::join_all(asking).await {
            assert_eq!(status.unwrap(), 200);
        }
        assert_eq!(world.store.reads(), before + 1, "round {round}");
    }
}

#[tokio::test]
async fn a_read_that_was_under_way_when_the_token_was_revoked_is_not_believed() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    // A witness of the link: its answer is forgotten when the notice has come.
    let other = world.token(&[], None).await;
    let witness = format!("Bearer {}", other.bearer);
    world.until_remembered(&service, || request(&witness)).await;
    let token = world.token(&[], None).await;
    let credential = format!("Bearer {}", token.bearer);
    world.store.hold_next();
    let asking = tokio::spawn({
        let (service, credential) = (service.clone(), credential.clone());
        async move { ask_clone(&service, request(&credential)).await }
    });
    eventually("the read is held", async || world.store.held() == 1).await;
    world.run("ann", &tokens::Revoke::new(world.acme, token.key)).await;
    world.run("ann", &tokens::Revoke::new(world.acme, other.key)).await;
    eventually("the notices have come", async || ask_clone(&service, request(&witness)).await.status == 401).await;
    let joined = tokio::spawn({
        let (service, credential) = (service.clone(), credential.clone());
        async move { ask_clone(&service, request(&credential)).await }
    });
    world.store.release();
    assert_eq!(asking.await.unwrap().status, 401);
    assert_eq!(joined.await.unwrap().status, 401);
    assert_eq!(ask_clone(&service, request(&credential)).await.status, 401);
}

#[tokio::test]
async fn without_a_link_every_request_reads() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    let credential = world.bearer("ann");
    world.until_remembered(&service, || request(&credential)).await;
    world.store.tell(&Signal::LinkLost);
    let reads = async || {
        let before = world.store.reads();
        assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
        world.store.reads() - before
    };
    eventually("the link is lost", async || reads().await == 1).await;
    for _ in 0..10 {
        assert_eq!(reads().await, 1);
    }
    world.store.tell(&Signal::LinkBack);
    eventually("the answer is remembered again", async || reads().await == 0).await;
    for _ in 0..10 {
        assert_eq!(reads().await, 0);
    }
}

#[tokio::test]
async fn an_answer_is_believed_no_longer_than_the_last_proof_allows() {
    let world = World::new().await;
    let service = plain(&world.layer().max_staleness(Duration::from_secs(2)).build().unwrap());
    let credential = world.bearer("ann");
    world.until_remembered(&service, || request(&credential)).await;
    let reads = async || {
        let before = world.store.reads();
        assert_eq!(ask_clone(&service, request(&credential)).await.status, 200);
        world.store.reads() - before
    };
    // A store that never gives proofs needs none.
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(reads().await, 0);

    // As if the proof was long under way: this process was frozen, or the link. A store knows when by the system's clock,
    // not by the engine's.
    let new = SystemClock.elapsed();
    let old = new.checked_sub(Duration::from_secs(20)).expect("the machine is up for longer");
    world.clock.advance(Duration::from_secs(20));
    world.store.tell(&Signal::Proven(old));
    eventually("what the old proof allows is over", async || reads().await == 1).await;
    for _ in 0..10 {
        assert_eq!(reads().await, 1);
    }
    world.store.tell(&Signal::Proven(new));
    eventually("the new proof is enough", async || reads().await == 0).await;
    world.clock.advance(Duration::from_millis(1500));
    assert_eq!(reads().await, 0);
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(reads().await, 1, "nobody had to notice that no more proofs come");
}

#[tokio::test]
async fn the_listener_ends_with_the_last_clone_of_the_layer() {
    let world = World::new().await;
    let layer = world.layer().build().unwrap();
    let service = plain(&layer.clone());
    assert_eq!(world.store.listeners(), 1);
    drop(layer);
    assert_eq!(ask_clone(&service, get("/", &[("authorization", &world.bearer("ann"))])).await.status, 200);
    assert_eq!(world.store.listeners(), 1);
    drop(service);
    eventually("nobody listens", async || world.store.listeners() == 0).await;
}

#[tokio::test]
async fn a_platform_admin_is_not_let_in_by_what_was_read_before_they_asked() {
    let world = World::new().await;
    let issuer =
        Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE).claims(ClaimNames::new().platform_admin("is_admin"));
    let layer = TenantryLayer::builder(world.engine.clone(), world.believing([issuer]));
    let service = plain(&layer.build().unwrap());
    world.join("bob", "member").await;
    let credential = world.bearer("bob");
    world.until_remembered(&service, || request(&credential)).await;
    let mut root = claims("root", &world.clock);
    root["is_admin"] = true.into();
    let root = format!("Bearer {}", sign(&root, &Signing::hs256()));
    let (organization_id, acme) = (world.acme, world.acme.to_string());
    let ask = || {
        let (service, headers) = (service.clone(), [("authorization", root.as_str()), ("x-organization-id", &acme)]);
        let request = get("/", &headers);
        tokio::spawn(async move { ask_clone(&service, request).await.status.as_u16() })
    };
    assert_eq!(ask().await.unwrap(), 403);
    // Nobody owns Acme any more: a platform admin may see to it.
    world.run("root", &accounts::Forget::new(UserId::new("ann").unwrap())).await;
    assert_eq!(ask().await.unwrap(), 200);
    world.store.hold_next();
    let first = ask();
    eventually("the read is held", async || world.store.held() == 1).await;
    let (user_id, role) = (UserId::new("bob").unwrap(), RoleName::new("owner").unwrap());
    world.run("root", &members::SetRole::new(organization_id, user_id, role)).await;
    let second = ask();
    // On this one thread it takes its place behind the read before this goes on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    world.store.release();
    assert_eq!(second.await.unwrap(), 403, "it has an owner");
    assert_eq!(first.await.unwrap(), 200, "it was asked before");
}
