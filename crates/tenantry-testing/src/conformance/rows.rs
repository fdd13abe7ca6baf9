//! Rows, checks, and all or nothing.

use std::{future::poll_fn, task::Poll, time::Duration};

use bytes::Bytes;
use tenantry_core::{
    store::{CommitError, Entry, Key, Order, Range, Shard, Txn, change::Change},
    values::{clock::Timestamp, ids::OrganizationId},
};

use super::{INDEX, Subject, add, answer, check, put, some};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn are_read_in_the_order_of_the_keys(subject: &Subject) {
    let rule = "read answers the values of the keys, in their order; None for a row that is absent";
    let shard = subject.shard("");
    let [a, b, c] = ["a", "b", "c"].map(Key::lasting);
    assert_eq!(subject.read(&shard, &[]).await, [], "{rule}");
    assert_eq!(subject.read(&shard, std::slice::from_ref(&a)).await, [None], "{rule}");
    let passing = Key::passing("b", HOUR);
    let puts = vec![(a.clone(), "1".into()), (c.clone(), "3".into()), (passing.clone(), "2".into())];
    subject.applied(&shard, Txn { puts, ..Txn::default() }, rule).await;
    let keys = [c.clone(), passing.clone(), b.clone(), a.clone(), c.clone(), passing];
    let values = [some("3"), some("2"), None, some("1"), some("3"), some("2")];
    assert_eq!(subject.read(&shard, &keys).await, values, "{rule}");

    let rule = "every other row stays until it is deleted; deleting an absent one is no error";
    subject.applied(&shard, Txn { deletes: vec![a.clone(), b.clone()], ..Txn::default() }, rule).await;
    assert_eq!(subject.read(&shard, &[a, b, c]).await, [None, None, some("3")], "{rule}");
}

pub(super) async fn checks_decide(subject: &Subject) {
    let rule = "it is applied if, and only if, every check holds";
    for (name, key) in [("lasting", Key::lasting("k")), ("passing", Key::passing("k", HOUR))] {
        let shard = subject.shard(name);
        let checked = |expected, value: &'static str| Txn { checks: vec![check(&key, expected)], ..put(&key, value) };
        subject.refused(&shard, checked(Some(""), "x"), CommitError::Conflict, rule).await;
        subject.applied(&shard, checked(None, "1"), rule).await;
        subject.refused(&shard, checked(None, "x"), CommitError::Conflict, rule).await;
        subject.refused(&shard, checked(Some("2"), "x"), CommitError::Conflict, rule).await;
        subject.refused(&shard, checked(Some("11"), "x"), CommitError::Conflict, rule).await;
        assert_eq!(subject.value(&shard, &key).await, some("1"), "{rule}");
        subject.applied(&shard, checked(Some("1"), ""), rule).await;
        subject.refused(&shard, checked(None, "x"), CommitError::Conflict, "an empty row is not an absent one").await;
        let both = vec![check(&key, Some("")), check(&Key::lasting("other"), Some("1"))];
        subject.refused(&shard, Txn { checks: both, ..put(&key, "x") }, CommitError::Conflict, rule).await;
        let both = vec![check(&key, Some("")), check(&Key::lasting("other"), None)];
        subject.applied(&shard, Txn { checks: both, deletes: vec![key.clone()], ..Txn::default() }, rule).await;
        assert_eq!(subject.value(&shard, &key).await, None, "{rule}");
    }
    let shard = subject.shard("both");
    let counter = Key::lasting("counter");
    let txn = Txn {
        checks: vec![check(&counter, Some("1"))],
        adds: vec![add(&counter, -1, Some(0), None)],
        ..Txn::default()
    };
    subject.refused(&shard, txn, CommitError::Conflict, "the checks are looked at first").await;
}

/// A transaction with one of everything.
fn everything() -> Txn {
    let organization = OrganizationId::from_parts(Timestamp::from_millis(1), [1; 10]);
    let entry = |key: &str| Entry { index: INDEX, key: key.to_owned(), number: None };
    Txn {
        puts: vec![(Key::lasting("put"), "new".into()), (Key::passing("passing", HOUR), "new".into())],
        deletes: vec![Key::lasting("delete"), Key::passing("delete", HOUR)],
        adds: vec![add(&Key::lasting("counter"), 1, None, None)],
        index_puts: vec![entry("new")],
        index_deletes: vec![entry("old")],
        appends: vec![("log", "new".into())],
        notices: vec![Change::Organization(organization)],
        ..Txn::default()
    }
}

/// Everything that [`everything`] touches.
async fn state(subject: &Subject, shard: &Shard) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut keys = ["put", "delete", "counter", "#index"].map(Key::lasting).to_vec();
    keys.extend(["passing", "delete"].map(|name| Key::passing(name, HOUR)));
    let range = Range { index: INDEX, after: None, to: None, order: Order::OldestFirst, limit: 10 };
    (
        subject.read(shard, &keys).await,
        answer(subject.store().range(shard, &range).await),
        answer(subject.store().log(shard, "log", None, 10).await),
    )
}

pub(super) async fn a_failed_transaction_leaves_nothing(subject: &Subject) {
    let rule = "all of the transaction is applied or nothing is";
    let shard = subject.shard("");
    let limited = Key::lasting("limited");
    let old = Entry { index: INDEX, key: "old".to_owned(), number: None };
    let puts = vec![(Key::lasting("delete"), "old".into()), (Key::passing("delete", HOUR), "old".into())];
    let setup = Txn { puts, index_puts: vec![old], appends: vec![("log", "old".into())], ..Txn::default() };
    subject.applied(&shard, setup, rule).await;
    let before = state(subject, &shard).await;

    let mut conflicting = everything();
    conflicting.checks.push(check(&limited, Some("1")));
    subject.refused(&shard, conflicting, CommitError::Conflict, rule).await;
    assert_eq!(state(subject, &shard).await, before, "{rule} (a check failed)");

    let mut limiting = everything();
    limiting.adds.push(add(&limited, 2, None, Some(1)));
    subject.refused(&shard, limiting, CommitError::Limit(1), rule).await;
    assert_eq!(state(subject, &shard).await, before, "{rule} (a counter would have left its bounds)");

    let committed = subject.applied(&shard, everything(), rule).await;
    assert_eq!(committed.counters, [1], "{rule}");
    assert_ne!(state(subject, &shard).await, before, "{rule}");
    let keys = [Key::lasting("put"), Key::lasting("delete"), Key::passing("delete", HOUR), Key::lasting("#index")];
    assert_eq!(subject.read(&shard, &keys).await, [some("new"), None, None, some("2")], "{rule}");
}

pub(super) async fn any_name_and_value_is_kept(subject: &Subject) {
    let rule = "a key's name is any text, a value any bytes";
    let names = [
        "", " ", "a b", "{", "}", "{a}", "#", "#index", "*", "a:b", "a\nb", "a\r\n", "\0", "é", "日本", "😀", "'",
        "\"", "%s",
    ];
    for shard in ["", "plain", "a b", "{brace}", "}{", "%7B", "é/日本", "a:b", "x\ny"] {
        let shard = subject.shard(shard);
        for lifetime in [None, Some(HOUR)] {
            let key = |name: &'static str| lifetime.map_or(Key::lasting(name), |lifetime| Key::passing(name, lifetime));
            let value = |name: &str| Bytes::from(format!("{shard} {name} {lifetime:?}"));
            let puts = names.map(|name| (key(name), value(name))).to_vec();
            subject.applied(&shard, Txn { puts, ..Txn::default() }, rule).await;
            let values = subject.read(&shard, &names.map(key)).await;
            assert_eq!(values, names.map(|name| Some(value(name))), "{rule}");
        }
    }
    let shard = subject.shard("values");
    let long = Key::lasting("n".repeat(1024));
    let all_bytes: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    for value in [Bytes::new(), Bytes::from_static(b"\0"), Bytes::from_static(b"\xff\xfe\r\n$-1\r\n"), all_bytes.into()]
    {
        for key in [&long, &Key::passing("p".repeat(1024), HOUR)] {
            subject.applied(&shard, put(key, value.clone()), rule).await;
            assert_eq!(subject.value(&shard, key).await.as_ref(), Some(&value), "{rule}");
            let check = tenantry_core::store::Check { key: key.clone(), expected: Some(value.clone()) };
            subject.applied(&shard, Txn { checks: vec![check], ..Txn::default() }, rule).await;
        }
    }
}

pub(super) async fn many_rows_fit_into_one_transaction(subject: &Subject) {
    let rule = "all of the transaction is applied";
    let shard = subject.shard("");
    let keys: Vec<Key> = (0..500)
        .map(|n| if n % 10 == 0 { Key::passing(format!("k{n}"), HOUR) } else { Key::lasting(format!("k{n}")) })
        .collect();
    let entries = |numbers: std::ops::Range<i32>| -> Vec<Entry> {
        numbers.map(|n| Entry { index: INDEX, key: format!("e{n}"), number: None }).collect()
    };
    let txn = Txn {
        checks: keys.iter().map(|key| check(key, None)).collect(),
        puts: keys.iter().map(|key| (key.clone(), key.name().to_owned().into())).collect(),
        adds: (0..100).map(|n| add(&Key::lasting(format!("c{n}")), n, None, None)).collect(),
        index_puts: entries(0..500),
        appends: (0..500).map(|n| ("log", n.to_string().into())).collect(),
        ..Txn::default()
    };
    let committed = subject.applied(&shard, txn, rule).await;
    assert_eq!(committed.counters, (0..100).collect::<Vec<i64>>(), "{rule}");
    let expected: Vec<_> = keys.iter().map(|key| Some(Bytes::from(key.name().to_owned()))).collect();
    assert_eq!(subject.read(&shard, &keys).await, expected, "{rule}");
    let range = Range { index: INDEX, after: None, to: None, order: Order::OldestFirst, limit: 1000 };
    let numbers: Vec<_> =
        answer(subject.store().range(&shard, &range).await).into_iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=500).collect::<Vec<_>>(), "{rule}");
    assert_eq!(answer(subject.store().log(&shard, "log", None, 1000).await).len(), 500, "{rule}");

    let txn = Txn { deletes: keys.clone(), index_deletes: entries(0..500), ..Txn::default() };
    subject.applied(&shard, txn, rule).await;
    assert!(subject.read(&shard, &keys).await.iter().all(Option::is_none), "{rule}");
    assert_eq!(answer(subject.store().range(&shard, &range).await), [], "{rule}");
}

pub(super) async fn shards_are_apart(subject: &Subject) {
    let rule = "a call touches exactly one shard";
    let (a, b) = (subject.shard("a"), subject.shard("b"));
    subject.applied(&a, everything(), rule).await;
    let untouched = state(subject, &subject.shard("never used")).await;
    assert_eq!(state(subject, &b).await, untouched, "{rule}");
}

pub(super) async fn the_first_commit_of_a_shard_can_ask_to_be_it(subject: &Subject) {
    let rule = "a transaction that must be the first finds no row, no entry and no log in the shard";
    let key = Key::lasting("mine");
    let first = || Txn { is_first: true, ..put(&key, "1") };
    let entry = || Entry { index: INDEX, key: "e".to_owned(), number: Some(1) };
    let sorted = || ("sorted", tenantry_core::store::Sorted { sort_key: "s".to_owned(), entry: "e".to_owned() });
    let others = [
        ("row", put(&Key::lasting("row"), "x")),
        ("passing", put(&Key::passing("row", HOUR), "x")),
        ("counter", Txn { adds: vec![add(&Key::lasting("n"), 1, None, None)], ..Txn::default() }),
        ("whole", Txn { index_puts: vec![entry()], sorted_puts: vec![sorted()], ..first() }),
    ];
    for (name, other) in others {
        let shard = subject.shard(name);
        subject.applied(&shard, other, rule).await;
        subject.refused(&shard, first(), CommitError::Conflict, rule).await;
    }
    let shard = subject.shard("");
    let txn = Txn {
        index_puts: vec![entry()],
        sorted_puts: vec![sorted()],
        appends: vec![("log", "line".into())],
        adds: vec![add(&Key::lasting("n"), 1, None, Some(1))],
        ..first()
    };
    subject.applied(&shard, txn, rule).await;
    subject.refused(&shard, first(), CommitError::Conflict, rule).await;
    assert_eq!(subject.value(&shard, &key).await, some("1"), "{rule}");
    assert_eq!(answer(subject.store().log(&shard, "log", None, 9).await), [(0, "line".into())], "{rule}");
    let range = Range { index: INDEX, after: None, to: None, order: Order::OldestFirst, limit: 9 };
    assert_eq!(answer(subject.store().range(&shard, &range).await).len(), 1, "{rule}");
}

pub(super) async fn the_largest_transaction_is_taken(subject: &Subject) {
    let rule = "a store takes every transaction of the largest size";
    let shard = subject.shard("");
    let value = vec![b'x'; Txn::BYTES_MAX / Txn::ITEMS_MAX];
    let keys: Vec<_> = (0..Txn::ITEMS_MAX).map(|n| Key::lasting(format!("k{n}"))).collect();
    let puts: Vec<_> = keys.iter().map(|key| (key.clone(), value.clone().into())).collect();
    subject.applied(&shard, Txn { puts: puts.clone(), ..Txn::default() }, rule).await;
    let last = &keys[Txn::ITEMS_MAX - 1];
    assert_eq!(subject.value(&shard, last).await, Some(value.clone().into()), "{rule}");
    let checks = keys.iter().map(|key| tenantry_core::store::Check { key: key.clone(), expected: None });
    let all = Txn { checks: checks.collect(), ..Txn::default() };
    subject.refused(&shard, all, CommitError::Conflict, rule).await;
    let checks = puts.into_iter().map(|(key, value)| tenantry_core::store::Check { key, expected: Some(value) });
    subject.applied(&shard, Txn { checks: checks.collect(), ..Txn::default() }, rule).await;
    let one_log = vec![("log", value.into()); Txn::ITEMS_MAX];
    subject.applied(&shard, Txn { appends: one_log, ..Txn::default() }, rule).await;
    let lines = answer(subject.store().log(&shard, "log", None, 1).await);
    assert_eq!(lines[0].0, Txn::ITEMS_MAX as u64 - 1, "{rule}");
    subject.applied(&shard, Txn { frees: true, deletes: keys, ..Txn::default() }, rule).await;
}

pub(super) async fn a_larger_transaction_is_refused(subject: &Subject) {
    let rule = "a store refuses every transaction beyond the largest size, and says that it was not applied";
    let shard = subject.shard("");
    let key = Key::lasting("0");
    let keys = (0..=Txn::ITEMS_MAX).map(|n| (Key::lasting(n.to_string()), Bytes::new()));
    let one_value = vec![(key.clone(), vec![b'x'; Txn::BYTES_MAX + 1].into())];
    for puts in [keys.collect(), one_value] {
        let txn = Txn { puts, ..Txn::default() };
        let alone = subject.store().commit(&shard, &txn).await.map(Some);
        let together = subject.store().commit_together(&shard, &Txn::default(), &[(shard.clone(), txn)]).await;
        for answer in [alone, together] {
            // What a store does not apply together is not applied either.
            let is_refused = matches!(&answer, Ok(None) | Err(CommitError::NotApplied(_)));
            assert!(is_refused, "against the rule: {rule}: {answer:?}");
        }
        assert_eq!(subject.value(&shard, &key).await, None, "{rule}");
    }
}

pub(super) async fn a_dropped_commit_is_whole_or_nothing(subject: &Subject) {
    let rule = "a commit whose caller has gone away is applied as a whole, or not at all";
    let shard = subject.shard("");
    let row = |n: u32, half: char| Key::lasting(format!("{n}{half}"));
    for n in 0..64_u32 {
        let puts = vec![(row(n, 'a'), "1".into()), (row(n, 'b'), "2".into())];
        let txn = Txn { puts, appends: vec![("log", n.to_string().into())], ..Txn::default() };
        let mut commit = Box::pin(subject.store().commit(&shard, &txn));
        // Polled as often as the round has number, at most: it is dropped at each of its pauses, sooner or later.
        for _ in 0..n % 4 {
            if poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // What comes after them shows what has become of them.
    subject.applied(&shard, put(&Key::lasting("end"), "x"), rule).await;
    let log = answer(subject.store().log(&shard, "log", None, 100).await);
    for n in 0..64_u32 {
        let both = subject.read(&shard, &[row(n, 'a'), row(n, 'b')]).await;
        let told = log.iter().filter(|(_, line)| *line == n.to_string()).count();
        let expected = if told == 0 { [None, None] } else { [some("1"), some("2")] };
        assert!(told <= 1 && both == expected, "{rule}: {n} stands in the log {told} times, and left {both:?}");
    }
}
