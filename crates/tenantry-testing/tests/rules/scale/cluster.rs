//! The primaries of a cluster share the work.
//!
//! Not quite evenly where organizations are created: what numbers them is one counter, on one primary.

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
/// The most that one of the three may carry, in percent: three carry 2.5 times as much as one alone then.
const PART_MAX: usize = 40;
/// The commands that commits consist of, and the scripts that make most of them.
const WRITES: [&str; 5] = ["evalsha", "hset", "hsetnx", "zadd", "zrem"];

/// How many of these commands a primary has carried out.
fn writes(primary: &RedisServer) -> usize {
    let stats = primary.command(&["INFO", "commandstats"]);
    let calls = |line: &str| {
        let (command, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        WRITES.contains(&command).then(|| rest.split(',').next()?.parse::<usize>().ok())?
    };
    stats.lines().filter_map(calls).sum()
}

async fn run<O: Operation>(engine: &Engine, caller: &str, input: serde_json::Value) -> serde_json::Value {
    let input: O = serde_json::from_value(input).expect("it is such an input");
    let answer = engine.run(&Request::new(actors::user(caller)), &input).await.expect("it may be done");
    serde_json::to_value(answer).expect("it is JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_primaries_carry_two_and_a_half_times_as_much_as_one() {
    let cluster = RedisCluster::start(0, &[]);
    // One after the other, so that the ids, and by them the parts, are the same each time.
    let engine = Engine::builder(
        crate::redis_at(&cluster.url(), "even").await,
        Registry::builder().build().expect("what is built in fits"),
    )
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
    let writes: Vec<_> = cluster.primaries().into_iter().map(writes).collect();
    let sum: usize = writes.iter().sum();
    assert!(writes.len() == 3 && sum > 10 * ORGANIZATIONS, "each organization takes several: {writes:?}");
    let busiest = writes.iter().max().copied().unwrap_or(sum);
    assert!(busiest * 100 <= sum * PART_MAX, "one of them carries more than {PART_MAX} %: {writes:?}");
    for primary in cluster.primaries() {
        assert!(!primary.command(&["INFO", "errorstats"]).contains("CROSSSLOT"), "a call was of several slots");
    }
}
