//! What an operation answers when its Redis is full, moves slots, or waits for replicas in vain.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{
        Engine,
        idempotency::IdempotencyKey,
        operation::{Operation, Request},
    },
    operations::{invitations, join_codes, members, organizations, tokens},
    store::change::Signal,
    values::error::{Error, ErrorKind},
};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::{
    actors,
    redis_server::{RedisCluster, RedisServer},
};
use tracing::Level;

use crate::{
    eventually,
    log::{Lines, runs_alone},
};

/// Carries out an operation under an idempotency key.
pub(crate) async fn run<O: Operation>(
    engine: &Engine,
    caller: Caller,
    key: &str,
    input: Value,
) -> Result<O::Output, Error> {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    let key = IdempotencyKey::new(key).expect("the test gives valid keys");
    engine.run(&Request::new(caller).idempotency_key(Some(key)), &operation).await
}

/// What people do in an organization, each of them under an idempotency key. Everything must be answered.
async fn live(engine: &Engine, round: usize) -> Result<(), Error> {
    let (alice, bob, carol) = (actors::user("alice"), actors::user("bob"), actors::user("carol"));
    let key = |what: &str| format!("{what}-{round}");
    let create = json!({ "name": format!("Acme {round}") });
    let created = run::<organizations::Create>(engine, alice.clone(), &key("create"), create.clone()).await?;
    let id = created.organization.id;
    let again = run::<organizations::Create>(engine, alice.clone(), &key("create"), create).await?;
    assert_eq!(again.organization.id, id, "a repetition is answered as the first");
    let code = json!({ "organizationId": id, "maxUses": 5 });
    let code = run::<join_codes::Create>(engine, alice.clone(), &key("code"), code).await?.code;
    run::<join_codes::Join>(engine, bob.clone(), &key("join"), json!({ "code": code })).await?;
    let invite = json!({ "organizationId": id, "username": "carol" });
    let invited = run::<invitations::Create>(engine, alice.clone(), &key("invite"), invite).await?;
    run::<invitations::Accept>(engine, carol, &key("accept"), json!({ "token": invited.token })).await?;
    let role = json!({ "organizationId": id, "userId": "bob", "role": "admin" });
    run::<members::SetRole>(engine, alice.clone(), &key("role"), role).await?;
    let remove = json!({ "organizationId": id, "userId": "carol" });
    run::<members::Remove>(engine, alice.clone(), &key("remove"), remove).await?;
    let made = json!({ "organizationId": id, "permissions": ["org:view"] });
    let made = run::<tokens::Create>(engine, alice.clone(), &key("token"), made).await?.api_token;
    let revoke = json!({ "organizationId": id, "key": made.key });
    run::<tokens::Revoke>(engine, alice.clone(), &key("revoke"), revoke).await?;
    let members = run::<members::List>(engine, alice, &key("list"), json!({ "organizationId": id })).await?.members;
    assert_eq!(members.len(), 2);
    Ok(())
}

/// How many rounds each state of a move must bear: enough that organizations, people and codes are in the slots that
/// move, and in others.
const ROUNDS: usize = 12;

/// Where the rounds begin that go on for as long as `TENANTRY_SLOTS_HELD_SECONDS` says.
const HELD_FROM: usize = 1_000;

/// Lives on while the slots stay open, for as many seconds as the environment variable `TENANTRY_SLOTS_HELD_SECONDS`
/// says; without it, not at all.
async fn lives_while_held(engine: &Engine) {
    let Ok(seconds) = std::env::var("TENANTRY_SLOTS_HELD_SECONDS") else { return };
    let seconds = seconds.parse().expect("TENANTRY_SLOTS_HELD_SECONDS is a number of seconds");
    let over = tokio::spawn(tokio::time::sleep(Duration::from_secs(seconds)));
    let mut round = HELD_FROM;
    while !over.is_finished() {
        lives(engine, round..round + 1, "while the slots are held open").await;
        round += 1;
    }
    eprintln!("the slots were held open for {seconds} s: {} rounds, nothing refused", round - HELD_FROM);
}

async fn lives(engine: &Engine, rounds: std::ops::Range<usize>, when: &str) {
    for round in rounds {
        if let Err(error) = live(engine, round).await {
            panic!("{when}, round {round}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_refused_while_slots_move() {
    let cluster = RedisCluster::start(0, &[]);
    let engine = crate::engine(crate::redis_at(&cluster.url(), "moves").await);
    lives(&engine, 0..2, "before the move").await;
    let (from, to) = (cluster.primaries()[0], cluster.primaries()[1]);
    let refusals = || {
        let told = |node: &RedisServer| node.command(&["INFO", "errorstats"]);
        cluster.nodes().iter().map(told).collect::<String>()
    };

    // Held open: nothing has moved yet, and whatever is made anew is made there.
    let slots = cluster.begin_to_move_most(from, to);
    lives(&engine, ROUNDS..2 * ROUNDS, "before the keys are moved").await;
    lives_while_held(&engine).await;
    assert!(!refusals().contains("TRYAGAIN"), "no commit touches a key that is not there: {}", refusals());

    // Organizations are moved under those who live in them.
    let (first, rest) = slots.split_at(slots.len() / 2);
    let moving = || lives(&engine, 2 * ROUNDS..3 * ROUNDS, "while the keys are moved");
    let ((), ()) = tokio::join!(moving(), async {
        tokio::task::block_in_place(|| cluster.move_all_keys(first, from, to));
    });
    cluster.move_all_keys(rest, from, to);

    // Held open: everything has moved.
    lives(&engine, 3 * ROUNDS..4 * ROUNDS, "after the keys were moved").await;
    assert!(refusals().contains("ASK"), "the slots were to be on their way: {}", refusals());
    cluster.end_all_moves(&slots, to);
    lives(&engine, 4 * ROUNDS..5 * ROUNDS, "after the move").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_refused_while_an_operator_reshards() {
    let cluster = Arc::new(RedisCluster::start(0, &[]));
    let engine = crate::engine(crate::redis_at(&cluster.url(), "reshard").await);
    lives(&engine, 0..2, "before").await;
    let moving = cluster.clone();
    let mut reshard = tokio::task::spawn_blocking(move || {
        let (from, to) = (moving.primaries()[0], moving.primaries()[1]);
        moving.reshard(400, from, to);
    });
    let mut round = 2;
    loop {
        lives(&engine, round..round + 1, "while slots are moved").await;
        round += 1;
        if reshard.is_finished() {
            break;
        }
    }
    (&mut reshard).await.expect("redis-cli moves the slots");
    lives(&engine, round..round + 2, "after").await;
}

#[tokio::test]
async fn a_full_server_still_lets_everything_be_ended() {
    let server = RedisServer::start(&[]);
    let engine = crate::engine(crate::redis_at(&server.store_url(), "full").await);
    let (alice, bob) = (|| actors::user("alice"), || actors::user("bob"));
    let created = run::<organizations::Create>(&engine, alice(), "1", json!({ "name": "Acme" })).await;
    let id = created.expect("there is room").organization.id;
    let other = run::<organizations::Create>(&engine, alice(), "2", json!({ "name": "Other" })).await;
    let other = other.expect("there is room").organization.id;
    let code = json!({ "organizationId": id });
    let code = run::<join_codes::Create>(&engine, alice(), "3", code).await.expect("there is room");
    run::<join_codes::Join>(&engine, bob(), "4", json!({ "code": code.code })).await.expect("there is room");
    let made = json!({ "organizationId": id, "permissions": ["org:view"] });
    let made = run::<tokens::Create>(&engine, alice(), "5", made).await.expect("there is room").api_token;
    let invite = |name: &str| json!({ "organizationId": id, "username": name });
    let carol = run::<invitations::Create>(&engine, alice(), "6", invite("carol")).await.expect("there is room");

    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let create = |key: &'static str| run::<organizations::Create>(&engine, alice(), key, json!({ "name": "No" }));
    let error = create("7").await.expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("no room for more, and has not made this change"), "{error}");
    let error = run::<invitations::Create>(&engine, alice(), "8", invite("dave")).await.expect_err("there is no room");
    assert!(error.to_string().contains("no room for more"), "{error}");
    let join = run::<join_codes::Join>(&engine, actors::user("erin"), "9", json!({ "code": code.code })).await;
    assert!(join.expect_err("there is no room").to_string().contains("no room for more"));

    let revoke = json!({ "organizationId": id, "key": made.key });
    run::<tokens::Revoke>(&engine, alice(), "10", revoke).await.expect("a token is revoked without room");
    let presented = actors::token(&made.bearer);
    let Caller::Token(presented) = presented else { panic!("a token was made") };
    assert!(engine.resolve_token(&presented).await.is_err(), "it works no more");
    let revoke = json!({ "organizationId": id, "id": code.join_code.id });
    run::<join_codes::Revoke>(&engine, alice(), "11", revoke).await.expect("a code is revoked without room");
    let revoke = json!({ "organizationId": id, "id": carol.invitation.id });
    run::<invitations::Revoke>(&engine, alice(), "12", revoke).await.expect("an invitation is revoked without room");
    let remove = json!({ "organizationId": id, "userId": "bob" });
    run::<members::Remove>(&engine, alice(), "13", remove).await.expect("a member is removed without room");
    let delete = json!({ "organizationId": other });
    run::<organizations::Delete>(&engine, alice(), "14", delete)
        .await
        .expect("an organization is deleted without room");
    while engine.work_once().await.expect("what is left of it goes without room") > 0 {}

    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    create("7").await.expect("there is room again, and nothing is left of what was refused");
}

#[tokio::test]
async fn what_no_replica_has_is_not_acknowledged_by_a_repetition() {
    let server = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &server.port().to_string()]);
    let options = Options::new().response_timeout(Duration::from_millis(300)).wait_replicas(1);
    let store = RedisStore::connect(&server.store_url(), options).await.expect("the server runs");
    let engine = crate::engine(Arc::new(store));
    let alice = || actors::user("alice");
    // Until the replica follows, nothing is acknowledged: the keys make one of all tries.
    let id = loop {
        let created = run::<organizations::Create>(&engine, alice(), "1", json!({ "name": "Acme" })).await;
        if let Ok(created) = created {
            break created.organization.id;
        }
    };
    let code = loop {
        let code = run::<join_codes::Create>(&engine, alice(), "2", json!({ "organizationId": id })).await;
        if let Ok(code) = code {
            break code;
        }
    };
    replica.freeze();
    let revoke = || json!({ "organizationId": id, "id": code.join_code.id });
    let role = || json!({ "organizationId": id, "userId": "alice", "role": "owner" });
    for (attempt, key) in ["3", "3", "4", "5"].into_iter().enumerate() {
        let revoked = run::<join_codes::Revoke>(&engine, alice(), key, revoke()).await;
        let error = revoked.err().unwrap_or_else(|| panic!("try {attempt}: no replica has it"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "try {attempt}: {error}");
    }
    let unchanged = run::<members::SetRole>(&engine, alice(), "6", role()).await;
    assert!(unchanged.is_err(), "that nothing is left to do rests on what no replica has confirmed");
    replica.thaw();
    while run::<join_codes::Revoke>(&engine, alice(), "3", revoke()).await.is_err() {}
    while run::<members::SetRole>(&engine, alice(), "6", role()).await.is_err() {}
}

#[tokio::test]
async fn a_primary_that_evicts_is_told_of_when_it_is_met_again() {
    if !runs_alone("server_faults::a_primary_that_evicts_is_told_of_when_it_is_met_again") {
        return;
    }
    let lines = Lines::default();
    let _listening = lines.listen(Level::ERROR);
    let server = RedisServer::start(&[]);
    let store = crate::redis_at(&server.store_url(), "evicts").await;
    // There is a subscription that can be ended.
    assert_eq!(store.changes().next().await, Some(Signal::LinkBack));
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    eventually("it is told", async || lines.text().contains("maxmemory-policy is allkeys-lru").then_some(())).await;
    store.ping().await.expect("the service goes on");
}
