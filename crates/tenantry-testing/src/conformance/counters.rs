//! Counters.

use tenantry_core::store::{CommitError, Key, Txn};

use super::{Subject, add, check, put, some};

const MAX: i64 = 1 << 53;

fn adds(adds: Vec<tenantry_core::store::Add>) -> Txn {
    Txn { adds, ..Txn::default() }
}

pub(super) async fn stay_within_bounds(subject: &Subject) {
    let rule = "it is applied if, and only if, every add stays within its bounds";
    let shard = subject.shard("");
    let [a, b] = ["a", "b"].map(Key::lasting);
    subject.refused(&shard, adds(vec![add(&a, -1, Some(0), None)]), CommitError::Limit(0), rule).await;
    subject.refused(&shard, adds(vec![add(&a, 3, None, Some(2))]), CommitError::Limit(0), rule).await;
    let second = vec![add(&a, 1, None, None), add(&b, 1, None, Some(0))];
    subject
        .refused(&shard, adds(second), CommitError::Limit(1), "the place of the add that would leave its bounds")
        .await;
    assert_eq!(subject.read(&shard, &[a.clone(), b.clone()]).await, [None, None], "{rule}");

    let both = vec![add(&b, -4, Some(-4), Some(-4)), add(&a, 2, Some(2), Some(2))];
    let committed = subject.applied(&shard, adds(both), rule).await;
    assert_eq!(committed.counters, [-4, 2], "the values of the counters, in the order of the adds, after the commit");
    subject.refused(&shard, adds(vec![add(&a, 0, Some(3), None)]), CommitError::Limit(0), rule).await;
    subject.refused(&shard, adds(vec![add(&a, 0, None, Some(1))]), CommitError::Limit(0), rule).await;
    subject.refused(&shard, adds(vec![add(&a, 0, Some(i64::MAX), None)]), CommitError::Limit(0), rule).await;
    subject.refused(&shard, adds(vec![add(&a, 0, None, Some(i64::MIN))]), CommitError::Limit(0), rule).await;
    let committed = subject.applied(&shard, adds(vec![add(&a, -2, Some(i64::MIN), Some(i64::MAX))]), rule).await;
    assert_eq!(committed.counters, [0], "{rule}");
    let rule = "a counter is a row whose value is a whole number in decimal text";
    assert_eq!(subject.read(&shard, &[a, b]).await, [some("0"), some("-4")], "{rule}");
}

pub(super) async fn stay_within_two_to_the_53rd(subject: &Subject) {
    let rule = "counters stay within plus and minus 2^53";
    let shard = subject.shard("");
    for (name, sign) in [("up", 1), ("down", -1)] {
        let key = Key::lasting(name);
        let by = |by: i64| adds(vec![add(&key, by, None, None)]);
        assert_eq!(subject.applied(&shard, by(sign * (MAX - 1)), rule).await.counters, [sign * (MAX - 1)], "{rule}");
        subject.refused(&shard, by(sign * 2), CommitError::Limit(0), rule).await;
        assert_eq!(subject.applied(&shard, by(sign), rule).await.counters, [sign * MAX], "{rule}");
        for more in [1, 2, 3, MAX - 1, MAX] {
            subject.refused(&shard, by(sign * more), CommitError::Limit(0), rule).await;
        }
        assert_eq!(subject.value(&shard, &key).await, Some((sign * MAX).to_string().into()), "{rule}");
        assert_eq!(subject.applied(&shard, by(-sign * MAX), rule).await.counters, [0], "{rule}");
    }
}

pub(super) async fn share_rows_and_may_be_added_to_twice(subject: &Subject) {
    let rule = "rows and counters share one namespace";
    let shard = subject.shard("");
    let key = Key::lasting("k");
    subject.applied(&shard, put(&key, "41"), rule).await;
    let txn = Txn { checks: vec![check(&key, Some("41"))], ..adds(vec![add(&key, 1, None, None)]) };
    assert_eq!(subject.applied(&shard, txn, rule).await.counters, [42], "{rule}");
    let txn = Txn { checks: vec![check(&key, Some("42"))], deletes: vec![key.clone()], ..Txn::default() };
    subject.applied(&shard, txn, rule).await;
    let rule = "an absent row counts as 0";
    assert_eq!(subject.applied(&shard, adds(vec![add(&key, -1, None, None)]), rule).await.counters, [-1], "{rule}");

    let rule = "every add of a transaction counts, also when two are of one counter";
    let twice = vec![add(&key, 2, None, None), add(&key, 3, None, Some(4))];
    assert_eq!(subject.applied(&shard, adds(twice), rule).await.counters, [4, 4], "{rule}");
    let twice = vec![add(&key, 1, None, Some(5)), add(&key, 1, None, Some(5))];
    subject.refused(&shard, adds(twice), CommitError::Limit(1), rule).await;
    assert_eq!(subject.value(&shard, &key).await, some("4"), "{rule}");
}

pub(super) async fn refuse_what_is_no_number(subject: &Subject) {
    let rule = "a counter is a row whose value is a whole number: nothing else is added to, nor lost";
    let shard = subject.shard("");
    for text in ["", "x", "1.5", "1e3", " 1", "9007199254740993", "99999999999999999999"] {
        let (row, witness) = (Key::lasting("row"), Key::lasting("witness"));
        subject.applied(&shard, put(&row, text), rule).await;
        let txn = Txn { adds: vec![add(&row, 1, None, None)], ..put(&witness, "x") };
        let answer = subject.store().commit(&shard, &txn).await;
        assert!(matches!(answer, Err(CommitError::NotApplied(_))), "{rule}: {text:?} gave {answer:?}");
        assert_eq!(subject.read(&shard, &[row, witness]).await, [some(text), None], "{rule}");
    }
}

pub(super) async fn commute(subject: &Subject) {
    let rule = "adds commute with all others of the same counter, as long as the bounds hold";
    let shard = subject.shard("");
    let (used, other) = (Key::lasting("used"), Key::lasting("other"));
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let txn = adds(vec![add(&used, 1, None, Some(60)), add(&other, 2, None, None)]);
            let (store, shard) = (subject.nodes[n % subject.nodes.len()].clone(), shard.clone());
            tokio::spawn(async move { store.commit(&shard, &txn).await })
        })
        .collect();
    let mut values = Vec::new();
    for task in tasks {
        match task.await {
            Ok(Ok(committed)) => values.push(committed.counters[0]),
            Ok(Err(CommitError::Limit(0))) => {}
            answer => panic!("{rule}: {answer:?}"),
        }
    }
    values.sort_unstable();
    assert_eq!(values, (1..=60).collect::<Vec<_>>(), "{rule}: exactly the limit succeeds, and each sees its own value");
    assert_eq!(subject.read(&shard, &[used, other]).await, [some("60"), some("120")], "{rule}");
}
