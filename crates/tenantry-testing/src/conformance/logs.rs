//! Logs.

use bytes::Bytes;
use tenantry_core::store::{CommitError, Key, Shard, Txn};

use super::{Subject, answer, check};

async fn read(subject: &Subject, shard: &Shard, before: Option<u64>, limit: usize) -> Vec<(u64, Bytes)> {
    answer(subject.store().log(shard, "log", before, limit).await)
}

pub(super) async fn are_numbered_without_gaps(subject: &Subject) {
    let rule = "logs only grow, numbered from 0 without gaps";
    let shard = subject.shard("");
    assert_eq!(read(subject, &shard, None, 10).await, [], "{rule}");
    let append = |entries: &[&'static str]| Txn {
        appends: entries.iter().map(|entry| ("log", Bytes::from(*entry))).collect(),
        ..Txn::default()
    };
    subject.applied(&shard, append(&["a"]), rule).await;
    let other = Txn { appends: vec![("other", "x".into()), ("log", "b".into())], ..Txn::default() };
    subject.applied(&shard, other, rule).await;
    subject.applied(&shard, append(&["", "a"]), rule).await;
    let expected = [(3, "a"), (2, ""), (1, "b"), (0, "a")].map(|(number, entry)| (number, Bytes::from(entry)));
    assert_eq!(read(subject, &shard, None, 10).await, expected, "{rule}");
    assert_eq!(answer(subject.store().log(&shard, "other", None, 10).await), [(0, "x".into())], "{rule}");

    let rule = "an entry of a log is any bytes";
    let large = Bytes::from((0..=255).cycle().take(64 * 1024).collect::<Vec<u8>>());
    subject.applied(&shard, Txn { appends: vec![("log", large.clone())], ..Txn::default() }, rule).await;
    assert_eq!(read(subject, &shard, None, 1).await, [(4, large)], "{rule}");
}

pub(super) async fn are_dropped_as_a_whole(subject: &Subject) {
    let rule = "a log is dropped as a whole, before anything is appended; the next entry is number 0 again";
    let [shard, elsewhere] = ["", "elsewhere"].map(|name| subject.shard(name));
    let appends: Vec<_> =
        ["log", "other"].into_iter().flat_map(|log| (0..100).map(move |_| (log, "old".into()))).collect();
    for shard in [&shard, &elsewhere] {
        subject.applied(shard, Txn { appends: appends.clone(), ..Txn::default() }, rule).await;
    }
    let drops = || Txn { log_drops: vec!["log", "never-there"], ..Txn::default() };
    let refused = Txn { checks: vec![check(&Key::lasting("absent"), Some("there"))], ..drops() };
    subject.refused(&shard, refused, CommitError::Conflict, "nothing of a refused transaction is applied").await;
    assert_eq!(read(subject, &shard, None, usize::MAX).await.len(), 100, "{rule}");
    subject.applied(&shard, drops(), rule).await;
    assert_eq!(read(subject, &shard, None, 10).await, [], "{rule}");
    assert_eq!(answer(subject.other().log(&shard, "log", None, 10).await), [], "{rule}");
    assert_eq!(answer(subject.store().log(&shard, "other", None, usize::MAX).await).len(), 100, "{rule}");
    assert_eq!(read(subject, &elsewhere, None, usize::MAX).await.len(), 100, "{rule}");
    for new in ["first", "second"] {
        subject.applied(&shard, Txn { appends: vec![("log", new.into())], ..drops() }, rule).await;
        assert_eq!(read(subject, &shard, None, 10).await, [(0, new.into())], "{rule}");
    }
}

pub(super) async fn are_read_newest_first(subject: &Subject) {
    let rule = "the entries that precede number `before` (or the end of the log), newest first, at most `limit`";
    let shard = subject.shard("");
    let appends = (0..5).map(|n: u64| ("log", Bytes::from(n.to_string()))).collect();
    subject.applied(&shard, Txn { appends, ..Txn::default() }, rule).await;
    let cases: [(Option<u64>, usize, &[u64]); 12] = [
        (None, 2, &[4, 3]),
        (None, 0, &[]),
        (None, 5, &[4, 3, 2, 1, 0]),
        (None, usize::MAX, &[4, 3, 2, 1, 0]),
        (Some(0), 3, &[]),
        (Some(1), 3, &[0]),
        (Some(3), 2, &[2, 1]),
        (Some(4), 0, &[]),
        (Some(5), 2, &[4, 3]),
        (Some(6), 2, &[4, 3]),
        (Some(100), 3, &[4, 3, 2]),
        (Some(u64::MAX), usize::MAX, &[4, 3, 2, 1, 0]),
    ];
    for (before, limit, expected) in cases {
        let found = read(subject, &shard, before, limit).await;
        let expected: Vec<_> = expected.iter().map(|number| (*number, Bytes::from(number.to_string()))).collect();
        assert_eq!(found, expected, "{rule}: before {before:?}, limit {limit}");
    }
}
