//! Sorted indexes.

use tenantry_core::store::{CommitError, Direction, Key, Order, Range, Room, Shard, Sorted, SortedRange, Txn};

use super::{Subject, add, answer, check, put};

fn sorted(sort_key: &str, entry: &str) -> Sorted {
    Sorted { sort_key: sort_key.to_owned(), entry: entry.to_owned() }
}

fn puts(entries: &[(&str, &str)]) -> Txn {
    let sorted_puts = entries.iter().map(|(sort_key, entry)| ("index", sorted(sort_key, entry))).collect();
    Txn { sorted_puts, ..Txn::default() }
}

fn deletes(entries: &[(&str, &str)]) -> Txn {
    let sorted_deletes = entries.iter().map(|(sort_key, entry)| ("index", sorted(sort_key, entry))).collect();
    Txn { sorted_deletes, ..Txn::default() }
}

const fn all(direction: Direction) -> SortedRange {
    SortedRange::whole("index", direction, usize::MAX)
}

async fn read(subject: &Subject, shard: &Shard, range: &SortedRange) -> Vec<(String, String)> {
    let entries = answer(subject.store().sorted_range(shard, range).await);
    entries.into_iter().map(|Sorted { sort_key, entry }| (sort_key, entry)).collect()
}

fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(sort_key, entry)| ((*sort_key).to_owned(), (*entry).to_owned())).collect()
}

/// In the order of their bytes. Some of them tempt a store to take one sort key for another, or a part of it for the
/// entry.
const TEXTS: [&str; 17] = [
    "",
    "\0",
    "\0\0",
    "\0\0a",
    "\0\x01",
    "\0a",
    "\x01",
    " ",
    "(",
    "+",
    "-",
    "A",
    "a",
    "a\0",
    "a\0\0a",
    "ab",
    "é😀\r\n",
];

pub(super) async fn are_ordered_byte_by_byte(subject: &Subject) {
    let rule = "a sorted index is ordered by the sort key, then by the entry, both compared byte by byte";
    let shard = subject.shard("");
    assert_eq!(read(subject, &shard, &all(Direction::Ascending)).await, [], "{rule}");
    let pairs: Vec<_> = TEXTS.iter().flat_map(|sort_key| TEXTS.map(|entry| (*sort_key, entry))).collect();
    assert!(pairs.is_sorted(), "this check lists its texts in their order");
    let mut shuffled = pairs.clone();
    shuffled.sort_by_key(|(sort_key, entry)| (entry.len(), sort_key.len(), *entry));
    for part in shuffled.chunks(50) {
        subject.applied(&shard, puts(part), rule).await;
    }
    let mut expected = owned(&pairs);
    assert_eq!(read(subject, &shard, &all(Direction::Ascending)).await, expected, "{rule}");
    expected.reverse();
    assert_eq!(read(subject, &shard, &all(Direction::Descending)).await, expected, "{rule}");

    let rule = "a range begins behind `after`, whatever stands there";
    for (place, (sort_key, entry)) in pairs.iter().enumerate() {
        let after = Some(sorted(sort_key, entry));
        let range = SortedRange { after: after.clone(), limit: 1, ..all(Direction::Ascending) };
        let next = owned(&pairs[(place + 1).min(pairs.len())..(place + 2).min(pairs.len())]);
        assert_eq!(read(subject, &shard, &range).await, next, "{rule}: ascending, after {after:?}");
        let range = SortedRange { after: after.clone(), limit: 1, ..all(Direction::Descending) };
        let next = owned(&pairs[place.saturating_sub(1)..place]);
        assert_eq!(read(subject, &shard, &range).await, next, "{rule}: descending, after {after:?}");
    }

    let rule = "`from` is the least sort key, and all are less than `below`";
    for (least, from) in TEXTS.iter().enumerate() {
        for (most, below) in TEXTS.iter().enumerate() {
            let bounds = SortedRange {
                from: Some((*from).to_owned()),
                below: Some((*below).to_owned()),
                ..all(Direction::Ascending)
            };
            let mut expected = owned(&pairs[least * TEXTS.len()..most.max(least) * TEXTS.len()]);
            assert_eq!(read(subject, &shard, &bounds).await, expected, "{rule}: {bounds:?}");
            expected.reverse();
            let bounds = SortedRange { direction: Direction::Descending, ..bounds };
            assert_eq!(read(subject, &shard, &bounds).await, expected, "{rule}: {bounds:?}");
        }
    }
}

/// `from`, `below`, `after`, the direction and the limit.
type Case = (Option<&'static str>, Option<&'static str>, Option<(&'static str, &'static str)>, Direction, usize);

pub(super) async fn are_read_in_parts(subject: &Subject) {
    let rule = "a range is what is within its bounds and behind `after`, at most `limit` entries, in its direction";
    let shard = subject.shard("");
    let entries = [("a", "1"), ("b", "1"), ("b", "2"), ("b", "3"), ("c", "1"), ("d", "1")];
    subject.applied(&shard, puts(&entries), rule).await;
    subject.applied(&shard, deletes(&[("b", "2")]), rule).await;
    let up = Direction::Ascending;
    let down = Direction::Descending;
    let cases: [(Case, &[(&str, &str)]); 18] = [
        ((None, None, None, up, 2), &[("a", "1"), ("b", "1")]),
        ((None, None, None, down, 2), &[("d", "1"), ("c", "1")]),
        ((None, None, None, up, 0), &[]),
        ((None, None, Some(("b", "2")), up, 2), &[("b", "3"), ("c", "1")]),
        ((None, None, Some(("b", "2")), down, 2), &[("b", "1"), ("a", "1")]),
        ((None, None, Some(("", "")), up, 1), &[("a", "1")]),
        ((None, None, Some(("", "")), down, 1), &[]),
        ((None, None, Some(("x", "")), up, 1), &[]),
        ((None, None, Some(("x", "")), down, 1), &[("d", "1")]),
        ((Some("b"), Some("c"), None, up, 9), &[("b", "1"), ("b", "3")]),
        ((Some("b"), Some("c"), None, down, 9), &[("b", "3"), ("b", "1")]),
        ((Some("b"), Some("d"), Some(("b", "1")), up, 9), &[("b", "3"), ("c", "1")]),
        ((Some("b"), Some("d"), Some(("b", "3")), down, 9), &[("b", "1")]),
        ((Some("b"), Some("d"), Some(("a", "1")), up, 1), &[("b", "1")]),
        ((Some("b"), Some("d"), Some(("a", "1")), down, 9), &[]),
        ((Some("b"), Some("d"), Some(("d", "1")), up, 9), &[]),
        ((Some("b"), Some("d"), Some(("d", "1")), down, 1), &[("c", "1")]),
        ((Some("c"), Some("b"), None, up, 9), &[]),
    ];
    for ((from, below, after, direction, limit), expected) in cases {
        let range = SortedRange {
            index: "index",
            from: from.map(str::to_owned),
            below: below.map(str::to_owned),
            after: after.map(|(sort_key, entry)| sorted(sort_key, entry)),
            direction,
            limit,
        };
        assert_eq!(read(subject, &shard, &range).await, owned(expected), "{rule}: {range:?}");
    }
}

pub(super) async fn keep_an_entry_once_under_a_sort_key(subject: &Subject) {
    let shard = subject.shard("");
    let everything = all(Direction::Ascending);
    let rule = "an entry may be there under several sort keys; a put of one that is there changes nothing";
    subject.applied(&shard, puts(&[("a", "1")]), rule).await;
    subject.applied(&shard, puts(&[("a", "1"), ("b", "1")]), rule).await;
    assert_eq!(read(subject, &shard, &everything).await, owned(&[("a", "1"), ("b", "1")]), "{rule}");
    let rule = "a delete takes the entry from under its sort key only, and an absent one is no error";
    subject.applied(&shard, deletes(&[("a", "1"), ("c", "1")]), rule).await;
    assert_eq!(read(subject, &shard, &everything).await, owned(&[("b", "1")]), "{rule}");
    let rule = "one commit may move an entry to another sort key";
    subject.applied(&shard, Txn { sorted_puts: puts(&[("c", "1")]).sorted_puts, ..deletes(&[("b", "1")]) }, rule).await;
    assert_eq!(read(subject, &shard, &everything).await, owned(&[("c", "1")]), "{rule}");
}

pub(super) async fn are_apart(subject: &Subject) {
    let rule = "sorted indexes are a namespace of their own, and apart from each other";
    let (shard, other) = (subject.shard(""), subject.shard("other"));
    let index = |index, sort_key: &str| (index, sorted(sort_key, "1"));
    let txn = Txn {
        sorted_puts: vec![index("x", "a"), index("xy", "b"), index("x\0", "c"), index("", "d")],
        index_puts: vec![tenantry_core::store::Entry { index: super::X, key: "k".to_owned(), number: None }],
        appends: vec![("x", "line".into())],
        ..put(&Key::lasting("x"), "row")
    };
    subject.applied(&shard, txn, rule).await;
    for (name, expected) in [("x", Some("a")), ("xy", Some("b")), ("x\0", Some("c")), ("", Some("d")), ("y", None)] {
        let range = SortedRange { index: name, ..all(Direction::Descending) };
        let expected: Vec<_> = expected.map(|sort_key| (sort_key, "1")).into_iter().collect();
        assert_eq!(read(subject, &shard, &range).await, owned(&expected), "{rule}: {name:?}");
        assert_eq!(read(subject, &other, &range).await, [], "shards are apart");
    }
    let range = Range { index: super::X, after: None, to: None, order: Order::OldestFirst, limit: 9 };
    assert_eq!(answer(subject.store().range(&shard, &range).await).len(), 1, "{rule}");
    assert_eq!(subject.value(&shard, &Key::lasting("x")).await, super::some("row"), "{rule}");
}

pub(super) async fn change_with_the_commit_only(subject: &Subject) {
    let rule = "all of a transaction is applied or nothing is, entries of sorted indexes included";
    let shard = subject.shard("");
    let key = Key::lasting("row");
    subject.applied(&shard, Txn { sorted_puts: puts(&[("a", "1")]).sorted_puts, ..put(&key, "1") }, rule).await;
    let change = || Txn { sorted_puts: puts(&[("b", "1")]).sorted_puts, ..deletes(&[("a", "1")]) };
    let conflict = Txn { checks: vec![check(&key, Some("2"))], ..change() };
    subject.refused(&shard, conflict, CommitError::Conflict, rule).await;
    let beyond = Txn { adds: vec![add(&Key::lasting("counter"), 1, None, Some(0))], ..change() };
    subject.refused(&shard, beyond, CommitError::Limit(0), rule).await;
    assert_eq!(read(subject, &shard, &all(Direction::Ascending)).await, owned(&[("a", "1")]), "{rule}");
    subject.applied(&shard, Txn { checks: vec![check(&key, Some("1"))], ..change() }, rule).await;
    for node in &subject.nodes {
        let entries = answer(node.sorted_range(&shard, &all(Direction::Ascending)).await);
        assert_eq!(entries, [sorted("b", "1")], "{rule}");
    }
}

fn put_with_room(sort_key: &str, entry: &str, max: u64) -> Txn {
    let room = Room { index: "index", entry: sorted(sort_key, entry), max };
    Txn { rooms: vec![room], ..puts(&[(sort_key, entry)]) }
}

pub(super) async fn have_room_up_to_a_bound(subject: &Subject) {
    let rule = "an entry that needs room is put if fewer than `max` have its sort key, or if it is there already";
    let shard = subject.shard("");
    let elsewhere = ["index2", "inde"].map(|name| (name, sorted("a", "1"))).to_vec();
    subject.applied(&shard, Txn { sorted_puts: elsewhere, ..Txn::default() }, rule).await;
    subject.applied(&subject.shard("other"), puts(&[("a", "8"), ("a", "9")]), rule).await;
    // Sort keys that are near, and entries that look like a part of one.
    let near = [("", "a"), ("a\0", "1"), ("a\0\0", "1"), ("a\u{1}", "1"), ("a1", ""), ("b", "1"), ("Z", "\u{7f}")];
    subject.applied(&shard, puts(&near), rule).await;
    subject.refused(&shard, put_with_room("a", "1", 0), CommitError::Limit(0), rule).await;
    subject.applied(&shard, put_with_room("a", "1", 2), rule).await;
    subject.applied(&shard, put_with_room("a", "\0b", 2), rule).await;
    let witness = Key::lasting("witness");
    let third = Txn { adds: vec![add(&witness, 1, None, None)], ..put_with_room("a", "2", 2) };
    subject.refused(&shard, third, CommitError::Limit(1), rule).await;
    assert_eq!(subject.value(&shard, &witness).await, None, "{rule}");
    for there in ["1", "\0b"] {
        subject.applied(&shard, put_with_room("a", there, 1), rule).await;
    }
    subject.applied(&shard, deletes(&[("a", "1")]), rule).await;
    subject.applied(&shard, put_with_room("a", "2", 2), rule).await;
    let whole = read(subject, &shard, &all(Direction::Ascending)).await;
    assert_eq!(whole.len(), near.len() + 2, "{rule}: {whole:?}");

    let rule = "exactly as many entries find room as there is, whoever puts them at the same time";
    let shard = subject.shard("crowd");
    let tasks: Vec<_> = (0..60)
        .map(|n| {
            let (store, shard) = (subject.nodes[n % subject.nodes.len()].clone(), shard.clone());
            tokio::spawn(async move { store.commit(&shard, &put_with_room("", &n.to_string(), 7)).await })
        })
        .collect();
    for task in tasks {
        let answer = task.await.expect("the task does not panic");
        assert!(matches!(answer, Ok(_) | Err(CommitError::Limit(0))), "{rule}: {answer:?}");
    }
    assert_eq!(read(subject, &shard, &all(Direction::Ascending)).await.len(), 7, "{rule}");
}
