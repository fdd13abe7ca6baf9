//! What is seen while others commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tenantry_core::store::{CommitError, Key, Txn};

use super::{Subject, answer, check, put};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn no_reader_sees_half_a_commit(subject: &Subject) {
    let rule = "no read sees a part of a commit";
    let shard = subject.shard("");
    // A store may well keep the two kinds of rows in different places.
    let keys = [Key::lasting("a"), Key::passing("b", HOUR), Key::lasting("c"), Key::passing("d", HOUR)];
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = subject
        .nodes
        .iter()
        .cycle()
        .take(2 * subject.nodes.len())
        .map(|store| {
            let (store, shard, keys, done) = (store.clone(), shard.clone(), keys.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let values = answer(store.read(&shard, &keys).await);
                    assert!(values.iter().all(|value| *value == values[0]), "{rule}: {values:?}");
                    // A store that answers at once must not keep the writer from running.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for n in 0..500 {
        let value = Bytes::from(n.to_string());
        let puts = keys.iter().map(|key| (key.clone(), value.clone())).collect();
        subject.applied(&shard, Txn { puts, ..Txn::default() }, rule).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap_or_else(|error| panic!("{rule}: {error}"));
    }
}

pub(super) async fn each_commit_is_read_everywhere(subject: &Subject) {
    let rule = "what commit acknowledged is seen by every later call on every node";
    let shard = subject.shard("");
    let key = Key::lasting("k");
    for n in 0..100 {
        let value = Bytes::from(n.to_string());
        subject.applied(&shard, put(&key, value.clone()), rule).await;
        for store in &subject.nodes {
            let values = answer(store.read(&shard, std::slice::from_ref(&key)).await);
            assert_eq!(values, [Some(value.clone())], "{rule}");
        }
        let checks = vec![tenantry_core::store::Check { key: key.clone(), expected: Some(value) }];
        let answer = subject.other().commit(&shard, &Txn { checks, ..Txn::default() }).await;
        assert!(answer.is_ok(), "{rule}: {answer:?}");
    }
}

pub(super) async fn one_of_many_wins_a_check(subject: &Subject) {
    let rule = "commit is atomic: of many that check the same row, one is applied";
    for round in 0..10 {
        let shard = subject.shard(&round.to_string());
        let key = Key::lasting("slug");
        let tasks: Vec<_> = (0..20_usize)
            .map(|n| {
                let txn = Txn { checks: vec![check(&key, None)], ..put(&key, n.to_string()) };
                let (store, shard) = (subject.nodes[n % subject.nodes.len()].clone(), shard.clone());
                tokio::spawn(async move { (n, store.commit(&shard, &txn).await) })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await {
                Ok((n, Ok(_))) => winners.push(Bytes::from(n.to_string())),
                Ok((_, Err(CommitError::Conflict))) => {}
                answer => panic!("{rule}: {answer:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{rule}");
        assert_eq!(subject.value(&shard, &key).await.as_ref(), winners.first(), "{rule}");
    }
}
