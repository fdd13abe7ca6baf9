//! The embedded store.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    pin::Pin,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tenantry_core::{
    store::{Add, Check, CommitError, Entry, Key, Numbered, Order, Range, Shard, Store, Txn},
    values::clock::{Clock, Timestamp},
};
use tenantry_embedded::{EmbeddedStore, OpenErrorKind};

use crate::conforms;

/// Tells the child process of `a_killed_process_loses_nothing` where to write.
const CHILD_DIRECTORY: &str = "TENANTRY_TEST_CHILD_DIRECTORY";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_in_memory() {
    let store = Arc::new(EmbeddedStore::in_memory().unwrap());
    conforms(vec![store.clone(), store], "memory").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(directory.path().join("store")).unwrap());
    conforms(vec![store.clone(), store], "file").await;
}

#[tokio::test]
async fn a_file_is_there_again_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let shard = Shard::new('o', "acme");
    let keys = [Key::lasting("row"), Key::passing("row", Duration::from_secs(3600)), Key::lasting("counter")];
    let entry = Entry { index: crate::INDEX, key: "entry".to_owned(), number: None };
    let txn = Txn {
        puts: keys[..2].iter().map(|key| (key.clone(), "value".into())).collect(),
        adds: vec![Add { key: keys[2].clone(), by: 3, min: None, max: None }],
        index_puts: vec![entry],
        appends: vec![("log", "line".into())],
        ..Txn::default()
    };
    let store = EmbeddedStore::open(&path).unwrap();
    store.commit(&shard, &txn).await.unwrap();
    drop(store);
    let store = EmbeddedStore::open(&path).unwrap();
    let values = store.read(&shard, &keys).await.unwrap();
    assert_eq!(values, [Some("value".into()), Some("value".into()), Some("3".into())]);
    let range = Range { index: crate::INDEX, after: None, to: None, order: Order::OldestFirst, limit: 9 };
    let entries = store.range(&shard, &range).await.unwrap();
    assert_eq!(entries, [Numbered { number: 1, key: "entry".to_owned() }]);
    assert_eq!(store.log(&shard, "log", None, 9).await.unwrap(), [(0, "line".into())]);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = EmbeddedStore::open(&path).unwrap();
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Locked, "{error}");
    assert!(error.to_string().contains("it is open already"), "{error}");
    drop(store);
    drop(EmbeddedStore::open(&path).unwrap());

    let error = EmbeddedStore::open(directory.path().join("no such directory/store")).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unreadable, "{error}");

    let other = directory.path().join("other");
    std::fs::write(&other, "a text that somebody wrote\n".repeat(1000)).unwrap();
    let error = EmbeddedStore::open(&other).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Format, "{error}");
    assert!(std::fs::read_to_string(&other).unwrap().starts_with("a text"), "another program's file is left alone");
}

/// The child of the next test: commits until it is killed, and writes down what was acknowledged.
#[tokio::test]
async fn child_that_commits() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let store = EmbeddedStore::open(directory.join("store")).unwrap();
    let mut acknowledged = OpenOptions::new().append(true).open(directory.join("acknowledged")).unwrap();
    let shard = Shard::new('o', "acme");
    let first = store.log(&shard, "log", None, 1).await.unwrap().first().map_or(0, |(number, _)| number + 1);
    for number in first.. {
        let text = number.to_string();
        let txn = Txn {
            puts: vec![(Key::lasting("a"), text.clone().into()), (Key::lasting("b"), text.clone().into())],
            appends: vec![("log", text.into())],
            ..Txn::default()
        };
        store.commit(&shard, &txn).await.unwrap();
        writeln!(acknowledged, "{number}").unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let acknowledged = directory.path().join("acknowledged");
    File::create(&acknowledged).unwrap();
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::child_that_commits"])
            .env(CHILD_DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while last_line(&acknowledged) < round * 20 {
            assert_eq!(child.try_wait().unwrap(), None, "the child must live until it is killed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = EmbeddedStore::open(directory.path().join("store")).unwrap();
        let shard = Shard::new('o', "acme");
        let (last, text) = store.log(&shard, "log", None, 1).await.unwrap().remove(0);
        assert!(last >= last_line(&acknowledged), "an acknowledged commit is gone");
        let values = store.read(&shard, &[Key::lasting("a"), Key::lasting("b")]).await.unwrap();
        assert_eq!(values, [Some(text.clone()), Some(text)], "a commit is there in part");
    }
}

/// The last whole line: the number of the last commit that the child knows to be done.
fn last_line(path: &Path) -> u64 {
    let mut lines =
        BufReader::new(File::open(path).expect("the test has made this file")).lines().map_while(Result::ok);
    let mut last = 0;
    while let Some(number) = lines.next().and_then(|line| line.parse().ok()) {
        last = number;
    }
    last
}

#[tokio::test]
async fn many_ended_rows_do_not_pile_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = EmbeddedStore::open(&path).unwrap();
    let shard = Shard::new('o', "acme");
    let key = |n: usize| Key::passing(format!("k{n}"), Duration::ZERO);
    let mut sizes = Vec::new();
    for round in 0..8 {
        for batch in 0..20 {
            let puts = (0..50).map(|n| (key((round * 20 + batch) * 50 + n), vec![b'x'; 500].into())).collect();
            store.commit(&shard, &Txn { puts, ..Txn::default() }).await.unwrap();
        }
        sizes.push(std::fs::metadata(&path).unwrap().len());
    }
    assert_eq!(sizes[3], sizes[7], "the file grows with rows that have ended: {sizes:?}");
}

/// Shows the time that it is told.
#[derive(Debug, Default)]
struct ToldClock(AtomicI64);

impl Clock for ToldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::from_millis(0))
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_row_ends_by_the_clock_that_the_store_was_given() {
    let clock = Arc::new(ToldClock::default());
    let store = EmbeddedStore::in_memory_with_clock(clock.clone()).unwrap();
    let shard = Shard::new('o', "acme");
    let key = Key::passing("row", Duration::from_secs(60));
    let checked = |expected: Option<&'static str>, value: &'static str| Txn {
        checks: vec![Check { key: key.clone(), expected: expected.map(Into::into) }],
        puts: vec![(key.clone(), value.into())],
        ..Txn::default()
    };
    store.commit(&shard, &checked(None, "1")).await.unwrap();
    clock.0.store(59_999, Ordering::Relaxed);
    assert_eq!(store.read(&shard, std::slice::from_ref(&key)).await.unwrap(), [Some("1".into())]);
    assert_eq!(store.commit(&shard, &checked(None, "x")).await, Err(CommitError::Conflict));
    clock.0.store(60_000, Ordering::Relaxed);
    assert_eq!(store.read(&shard, std::slice::from_ref(&key)).await.unwrap(), [None]);
    assert_eq!(store.commit(&shard, &checked(Some("1"), "x")).await, Err(CommitError::Conflict));
    // The commit above has swept the row; this one meets the next of that name before anything has.
    store.commit(&shard, &checked(None, "2")).await.unwrap();
    clock.0.store(120_000, Ordering::Relaxed);
    store.commit(&shard, &checked(None, "3")).await.unwrap();
    assert_eq!(store.read(&shard, std::slice::from_ref(&key)).await.unwrap(), [Some("3".into())]);
}

/// A clock at which whoever writes panics.
#[derive(Debug)]
struct Fatal;

impl Clock for Fatal {
    fn now(&self) -> Timestamp {
        assert_ne!(std::thread::current().name(), Some("tenantry-writer"), "the test kills the writer here");
        Timestamp::from_millis(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_dead_writer_says_that_only_a_restart_mends_it() {
    let store = EmbeddedStore::in_memory_with_clock(Arc::new(Fatal)).unwrap();
    let (shard, key) = (Shard::new('o', "acme"), Key::lasting("row"));
    let txn = Txn { puts: vec![(key.clone(), "value".into())], ..Txn::default() };
    match store.commit(&shard, &txn).await {
        Err(CommitError::Unavailable(error)) => assert!(error.needs_restart(), "it died with this commit: {error}"),
        other => panic!("nobody knows what became of it: {other:?}"),
    }
    // Whoever was answered first may be faster than the rest of the writer's end: until then the queue is open.
    loop {
        match store.commit(&shard, &txn).await {
            Err(CommitError::Unavailable(error)) => assert!(error.needs_restart(), "it dies: {error}"),
            Err(CommitError::NotApplied(error)) => break assert!(error.needs_restart(), "nobody takes it: {error}"),
            other => panic!("there is nobody to do it: {other:?}"),
        }
    }
    assert!(store.ping().await.unwrap_err().needs_restart());
    assert_eq!(store.read(&shard, &[key]).await.unwrap(), [None], "what is there can be read");
}

#[tokio::test]
async fn a_check_of_a_batch_sees_what_the_batch_has_written() {
    let store = EmbeddedStore::in_memory().unwrap();
    let shard = Shard::new('o', "acme");
    let key = Key::lasting("slug");
    let txn = Txn {
        checks: vec![Check { key: key.clone(), expected: None }],
        puts: vec![(key, "taken".into())],
        ..Txn::default()
    };
    // One thread: all of these are queued before the first is answered, so the writer takes many at once.
    let answers = futures_util::future::join_all((0..100).map(|_| store.commit(&shard, &txn))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(CommitError::Conflict)).count(), 99);
}
