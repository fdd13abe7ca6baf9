//! Rows with a lifetime. What takes its time is waited for; nothing is decided by how long it took.

use std::time::Duration;

use tenantry_core::store::{Key, Shard, Txn};

use super::{Subject, check, put, some};

const SHORT: Duration = Duration::from_millis(200);
const HOUR: Duration = Duration::from_secs(3600);
const POLL_EVERY: Duration = Duration::from_millis(20);
/// The contract gives a store one minute; polling this often takes two and more.
const POLLS_MAX: usize = 6000;

async fn forgotten(subject: &Subject, shard: &Shard, key: &Key) {
    for _ in 0..POLLS_MAX {
        if subject.value(shard, key).await.is_none() {
            return;
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    panic!("against the rule: the store forgets a row with a lifetime after that time, give or take a minute");
}

pub(super) async fn end(subject: &Subject) {
    let rule = "the store forgets a row with a lifetime after that time";
    let shard = subject.shard("");
    let (short, long, none) =
        (Key::passing("short", SHORT), Key::passing("long", HOUR), Key::passing("none", Duration::ZERO));
    let puts = vec![(short.clone(), "1".into()), (long.clone(), "2".into()), (none.clone(), "3".into())];
    subject.applied(&shard, Txn { puts, ..Txn::default() }, rule).await;
    forgotten(subject, &shard, &short).await;
    forgotten(subject, &shard, &none).await;
    assert_eq!(subject.value(&shard, &long).await, some("2"), "{rule}, and not before");
    let rule = "a forgotten row is absent to a check, and can be put again";
    let again = Key::passing("short", HOUR);
    subject.applied(&shard, Txn { checks: vec![check(&short, None)], ..put(&again, "4") }, rule).await;
    assert_eq!(subject.value(&shard, &short).await, some("4"), "{rule}");
    subject.applied(&shard, Txn { deletes: vec![short.clone()], ..Txn::default() }, rule).await;
    assert_eq!(subject.value(&shard, &again).await, None, "{rule}");
}

pub(super) async fn begin_anew_with_each_put(subject: &Subject) {
    let rule = "a put starts the time anew";
    let shard = subject.shard("");
    let row = |lifetime| Key::passing("row", lifetime);
    let witness = Key::passing("witness", SHORT);
    let puts = vec![(row(SHORT), "1".into()), (witness.clone(), "1".into())];
    subject.applied(&shard, Txn { puts, ..Txn::default() }, rule).await;
    subject.applied(&shard, put(&row(HOUR), "2"), rule).await;
    forgotten(subject, &shard, &witness).await;
    // Whatever sweeps ended rows has a reason to run, and must spare this one.
    subject.applied(&shard, put(&Key::passing("another", HOUR), "x"), rule).await;
    assert_eq!(subject.value(&shard, &row(HOUR)).await, some("2"), "{rule}");
    subject.applied(&shard, put(&row(SHORT), "3"), rule).await;
    forgotten(subject, &shard, &row(HOUR)).await;
}

pub(super) async fn make_another_row(subject: &Subject) {
    let rule = "a row with a lifetime and a row without one are different rows, whatever their names";
    let shard = subject.shard("");
    let (passing, lasting) = (Key::passing("row", HOUR), Key::lasting("row"));
    let both = [passing.clone(), lasting.clone()];
    subject.applied(&shard, put(&passing, "p"), rule).await;
    assert_eq!(subject.read(&shard, &both).await, [some("p"), None], "{rule}");
    let txn = Txn { checks: vec![check(&lasting, None), check(&passing, Some("p"))], ..put(&lasting, "l") };
    subject.applied(&shard, txn, rule).await;
    assert_eq!(subject.read(&shard, &both).await, [some("p"), some("l")], "{rule}");
    subject.applied(&shard, Txn { deletes: vec![passing], ..Txn::default() }, rule).await;
    assert_eq!(subject.read(&shard, &both).await, [None, some("l")], "{rule}");
}
