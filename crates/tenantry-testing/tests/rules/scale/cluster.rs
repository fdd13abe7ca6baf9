//! The primaries of a cluster share the work: each carries its part of the commits.

use std::sync::Arc;

use serde_json::json;
use tenantry_core::{
    access::registry::Registry,
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::{join_codes, organizations},
    values::clock::Timestamp,
};
use tenantry_testing::{
    actors,
    model::{ManualClock, SeededEntropy},
    redis_server::{RedisCluster, RedisServer},
};

const ORGANIZATIONS: usize = 300;
/// How far a primary's part may be from an even one, in percent.
const UNEVEN_MAX: usize = 10;

/// How often a primary has run a script, which is what a commit is.
fn commits(primary: &RedisServer) -> usize {
    let stats = primary.command(&["INFO", "commandstats"]);
    let calls = |line: &str| {
        let rest = line.strip_prefix("cmdstat_evalsha:calls=")?;
        rest.split(',').next()?.parse().ok()
    };
    stats.lines().find_map(calls).unwrap_or(0)
}

async fn run<O: Operation>(engine: &Engine, caller: &str, input: serde_json::Value) -> serde_json::Value {
    let input: O = serde_json::from_value(input).unwrap();
    let answer = engine.run(&Request::new(actors::user(caller)), &input).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_primaries_carry_a_third_of_the_commits_each() {
    let cluster = RedisCluster::start(0, &[]);
    // One after the other, so that the ids, and by them the parts, are the same each time.
    let engine = Engine::builder(crate::redis_at(&cluster.url(), "even").await, Registry::builder().build().unwrap())
        .clock(Arc::new(ManualClock::new(Timestamp::from_millis(1_795_000_000_000))))
        .entropy(Arc::new(SeededEntropy::new(1)))
        .build();
    for number in 0..ORGANIZATIONS {
        let [owner, member] = ["owner", "member"].map(|role| format!("{role}-{number}"));
        let named = json!({ "name": format!("Acme {number}") });
        let organization = run::<organizations::Create>(&engine, &owner, named).await;
        let id = &organization["organization"]["id"];
        let coded = run::<join_codes::Create>(&engine, &owner, json!({ "organizationId": id })).await;
        run::<join_codes::Join>(&engine, &member, json!({ "code": coded["code"] })).await;
    }
    let commits: Vec<_> = cluster.primaries().into_iter().map(commits).collect();
    let sum: usize = commits.iter().sum();
    assert!(sum > 3 * ORGANIZATIONS, "each was to take several commits: {commits:?}");
    let is_even = |part: &usize| (3 * part * 100).abs_diff(sum * 100) <= sum * UNEVEN_MAX;
    assert!(commits.len() == 3 && commits.iter().all(is_even), "{commits:?}");
    for primary in cluster.primaries() {
        assert!(!primary.command(&["INFO", "errorstats"]).contains("CROSSSLOT"), "a call was of several slots");
    }
}
