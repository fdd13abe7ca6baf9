//! Indexes.

use tenantry_core::store::{Entry, Index, Key, Numbered, Order, Range, Shard, Txn};

use super::{INDEX, Subject, X, add, answer, put, some};

const Y: Index = Index::new("y", 3);

fn entry(key: &str) -> Entry {
    Entry { index: INDEX, key: key.to_owned(), number: None }
}

fn puts(keys: &[&str]) -> Txn {
    Txn { index_puts: keys.iter().map(|key| entry(key)).collect(), ..Txn::default() }
}

async fn read(subject: &Subject, shard: &Shard, after: Option<u64>, order: Order, limit: usize) -> Vec<(u64, String)> {
    let range = Range { index: INDEX, after, to: None, order, limit };
    let entries = answer(subject.store().range(shard, &range).await);
    entries.into_iter().map(|Numbered { number, key }| (number, key)).collect()
}

async fn all(subject: &Subject, shard: &Shard) -> Vec<(u64, String)> {
    read(subject, shard, None, Order::OldestFirst, 1000).await
}

async fn numbers<const N: usize>(subject: &Subject, shard: &Shard, keys: [&str; N]) -> Vec<Option<u64>> {
    answer(subject.store().numbers(shard, INDEX, &keys.map(str::to_owned)).await)
}

fn numbered<const N: usize>(entries: [(u64, &str); N]) -> Vec<(u64, String)> {
    entries.map(|(number, key)| (number, key.to_owned())).to_vec()
}

pub(super) async fn number_their_entries(subject: &Subject) {
    let rule = "an entry's number is one more than the store ever gave in the index";
    let shard = subject.shard("");
    assert_eq!(all(subject, &shard).await, [], "{rule}");
    subject.applied(&shard, puts(&["a", "b"]), rule).await;
    subject.applied(&shard, puts(&["c"]), rule).await;
    assert_eq!(all(subject, &shard).await, numbered([(1, "a"), (2, "b"), (3, "c")]), "{rule}");
    let counter = Range::counter(INDEX);
    assert_eq!(counter, Key::lasting("#index"), "the counter of an index is # and its name");
    assert_eq!(subject.value(&shard, &counter).await, some("3"), "the counter holds the last number that was given");

    let rule = "an entry's number is known by its key";
    assert_eq!(numbers(subject, &shard, ["c", "nobody", "a", "c"]).await, [Some(3), None, Some(1), Some(3)], "{rule}");
    assert_eq!(numbers(subject, &shard, []).await, [], "{rule}");
    assert_eq!(numbers(subject, &subject.shard("empty"), ["a"]).await, [None], "{rule}");

    let rule = "a put of an entry that is there changes nothing";
    subject.applied(&shard, puts(&["b"]), rule).await;
    let given = Entry { number: Some(3), ..entry("a") };
    subject.applied(&shard, Txn { index_puts: vec![given], ..Txn::default() }, rule).await;
    assert_eq!(all(subject, &shard).await, numbered([(1, "a"), (2, "b"), (3, "c")]), "{rule}");
    assert_eq!(subject.value(&shard, &counter).await, some("3"), "{rule}");

    let rule = "a number is never given twice, also when its entry is gone";
    let deletes = Txn { index_deletes: vec![entry("c"), entry("never there")], ..puts(&["d"]) };
    subject.applied(&shard, deletes, rule).await;
    assert_eq!(all(subject, &shard).await, numbered([(1, "a"), (2, "b"), (4, "d")]), "{rule}");
    let deletes = vec![entry("a"), entry("b"), entry("d")];
    subject.applied(&shard, Txn { index_deletes: deletes, ..Txn::default() }, rule).await;
    assert_eq!(all(subject, &shard).await, [], "{rule}");
    subject.applied(&shard, puts(&["c"]), rule).await;
    assert_eq!(all(subject, &shard).await, numbered([(5, "c")]), "{rule}");
    assert_eq!(numbers(subject, &shard, ["a", "c"]).await, [None, Some(5)], "{rule}");
}

pub(super) async fn take_numbers_from_their_counter(subject: &Subject) {
    let rule = "a number that was obtained by adding 1 to the index's counter may be given to an entry";
    let shard = subject.shard("");
    let reserve = || Txn { adds: vec![add(&Range::counter(INDEX), 1, None, None)], ..Txn::default() };
    subject.applied(&shard, puts(&["a"]), rule).await;
    assert_eq!(subject.applied(&shard, reserve(), rule).await.counters, [2], "{rule}");
    subject.applied(&shard, puts(&["c"]), rule).await;
    let given = Entry { number: Some(2), ..entry("b") };
    let mut txn = puts(&["d"]);
    txn.index_puts.push(given);
    subject.applied(&shard, txn, rule).await;
    assert_eq!(all(subject, &shard).await, numbered([(1, "a"), (2, "b"), (3, "c"), (4, "d")]), "{rule}");
    assert_eq!(subject.applied(&shard, reserve(), rule).await.counters, [5], "{rule}");
}

pub(super) async fn take_numbers_that_are_given(subject: &Subject) {
    let rule =
        "entries may be given any number up to the greatest, several the same; the index's counter stays as it is";
    let shard = subject.shard("");
    let given = |key, number| Entry { number: Some(number), ..entry(key) };
    let most = Index::NUMBER_MAX;
    let entries = [given("b", 7), given("z", 0), given("a", 7), given("m", most), given("c", 8), given("l", most)];
    let other = Entry { index: X, ..given("other", 7) };
    let index_puts = entries.into_iter().chain([other]).collect();
    subject.applied(&shard, Txn { index_puts, ..Txn::default() }, rule).await;
    let all = numbered([(0, "z"), (7, "a"), (7, "b"), (8, "c"), (most, "l"), (most, "m")]);
    assert_eq!(read(subject, &shard, None, Order::OldestFirst, 9).await, all, "{rule}, ordered by their keys");
    assert_eq!(numbers(subject, &shard, ["m", "a", "z"]).await, [Some(most), Some(7), Some(0)], "{rule}");
    assert_eq!(subject.value(&shard, &Range::counter(INDEX)).await, None, "{rule}");

    let rule = "a range has the entries behind a number and up to another";
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let cases: [(Option<u64>, Option<u64>, &[&str]); 6] = match order {
            Order::OldestFirst => [
                (Some(6), Some(7), &["a", "b"]),
                (Some(7), Some(8), &["c"]),
                (None, Some(0), &["z"]),
                (None, Some(6), &["z"]),
                (Some(8), Some(7), &[]),
                (Some(8), None, &["l", "m"]),
            ],
            Order::NewestFirst => [
                (Some(8), Some(7), &["b", "a", "z"]),
                (Some(7), Some(8), &["z"]),
                (None, Some(0), &["z"]),
                (Some(0), Some(8), &[]),
                (Some(9), Some(most), &["c", "b", "a", "z"]),
                (None, None, &["m", "l", "c", "b", "a", "z"]),
            ],
        };
        for (after, to, expected) in cases {
            let range = Range { index: INDEX, after, to, order, limit: 9 };
            let found = answer(subject.store().range(&shard, &range).await);
            let keys: Vec<_> = found.iter().map(|entry| entry.key.as_str()).collect();
            assert_eq!(keys, expected, "{rule}: after {after:?}, to {to:?}, {order:?}");
        }
    }
    let deletes = Txn { index_deletes: vec![entry("a"), entry("m")], ..Txn::default() };
    subject.applied(&shard, deletes, rule).await;
    let left = numbered([(0, "z"), (7, "b"), (8, "c"), (most, "l")]);
    assert_eq!(
        read(subject, &shard, None, Order::OldestFirst, 9).await,
        left,
        "one of several with a number is deleted"
    );
}

pub(super) async fn are_read_in_parts(subject: &Subject) {
    let shard = subject.shard("");
    let rule = "a range begins behind `after`, goes in `order`, and has at most `limit` entries";
    subject.applied(&shard, puts(&["a", "b", "c", "d", "e", "f"]), rule).await;
    subject.applied(&shard, Txn { index_deletes: vec![entry("c")], ..Txn::default() }, rule).await;
    let cases: [(Option<u64>, Order, usize, &[u64]); 14] = [
        (None, Order::OldestFirst, 2, &[1, 2]),
        (Some(2), Order::OldestFirst, 2, &[4, 5]),
        (Some(3), Order::OldestFirst, 2, &[4, 5]),
        (Some(5), Order::OldestFirst, 2, &[6]),
        (Some(6), Order::OldestFirst, 2, &[]),
        (Some(u64::MAX), Order::OldestFirst, 2, &[]),
        (Some(0), Order::OldestFirst, usize::MAX, &[1, 2, 4, 5, 6]),
        (None, Order::OldestFirst, 0, &[]),
        (None, Order::NewestFirst, 2, &[6, 5]),
        (Some(4), Order::NewestFirst, 2, &[2, 1]),
        (Some(3), Order::NewestFirst, 1, &[2]),
        (Some(1), Order::NewestFirst, 1, &[]),
        (Some(0), Order::NewestFirst, 1, &[]),
        (Some(u64::MAX), Order::NewestFirst, usize::MAX, &[6, 5, 4, 2, 1]),
    ];
    for (after, order, limit, expected) in cases {
        let found = read(subject, &shard, after, order, limit).await;
        let numbers: Vec<_> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, expected, "{rule}: after {after:?}, {order:?}, limit {limit}");
    }
}

pub(super) async fn are_apart(subject: &Subject) {
    let rule = "rows, counters, indexes and logs are namespaces of their own, but for rows and counters";
    let shard = subject.shard("");
    let index = |index, key: &str| Entry { index, key: key.to_owned(), number: None };
    let odd = ["", "a b", "{x}", "é", "#", "😀\r\n\0"];
    let txn = Txn {
        index_puts: odd.iter().map(|key| index(X, key)).chain([index(Y, "a b")]).collect(),
        appends: vec![("x", "entry".into())],
        ..put(&Key::lasting("x"), "row")
    };
    subject.applied(&shard, txn, rule).await;
    let range = |index| Range { index, after: None, to: None, order: Order::OldestFirst, limit: 10 };
    let keys = answer(subject.store().range(&shard, &range(X)).await).into_iter().map(|entry| entry.key);
    assert_eq!(keys.collect::<Vec<_>>(), odd, "an entry's key is any text");
    let y = answer(subject.store().range(&shard, &range(Y)).await);
    assert_eq!(y, [Numbered { number: 1, key: "a b".to_owned() }], "each index numbers its own entries");
    assert_eq!(subject.value(&shard, &Key::lasting("x")).await, some("row"), "{rule}");
    assert_eq!(answer(subject.store().log(&shard, "x", None, 10).await), [(0, "entry".into())], "{rule}");
}
