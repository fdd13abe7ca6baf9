//! Transactions of several shards that are applied together.

use std::time::Duration;

use tenantry_core::store::{Check, CommitError, Committed, Direction, Key, Room, Shard, Sorted, SortedRange, Txn};

use super::{Subject, add, answer, check, some};

const INDEX: &str = "index";
const HOUR: Duration = Duration::from_secs(3600);

fn sorted(entry: &str) -> Sorted {
    Sorted { sort_key: "key".to_owned(), entry: entry.to_owned() }
}

/// One row and one entry.
fn note(name: &'static str) -> Txn {
    Txn { puts: vec![(Key::lasting(name), name.into())], sorted_puts: vec![(INDEX, sorted(name))], ..Txn::default() }
}

/// The rows of these names, and the entries.
async fn state(subject: &Subject, shard: &Shard, names: &[&'static str]) -> (Vec<bool>, Vec<String>) {
    let keys: Vec<_> = names.iter().map(|name| Key::lasting(*name)).collect();
    let rows = subject.read(shard, &keys).await.iter().map(Option::is_some).collect();
    let range = SortedRange::whole(INDEX, Direction::Ascending, 10);
    let entries = answer(subject.store().sorted_range(shard, &range).await);
    (rows, entries.into_iter().map(|entry| entry.entry).collect())
}

pub(super) async fn all_is_applied_or_nothing(subject: &Subject) {
    let rule = "commit_together applies all of it or nothing";
    let [home, one, other] = ["home", "one", "other"].map(|name| subject.shard(name));
    let others = |name| vec![(one.clone(), note(name)), (other.clone(), note(name))];
    let counter = Key::lasting("counter");
    let txn = || Txn { adds: vec![add(&counter, 1, None, Some(1))], ..note("first") };
    let committed = subject.store().commit_together(&home, &txn(), &others("first")).await;
    if committed == Ok(None) {
        // It keeps its shards in several places.
        for shard in [&home, &one, &other] {
            assert_eq!(state(subject, shard, &["first"]).await, (vec![false], vec![]), "{rule}");
        }
        return;
    }
    assert_eq!(committed, Ok(Some(Committed { counters: vec![1] })), "{rule}");
    let first = (vec![true, false], vec!["first".to_owned()]);
    let nothing_more = async |why: &str| {
        for shard in [&home, &one, &other] {
            assert_eq!(state(subject, shard, &["first", "second"]).await, first, "{rule} ({why})");
        }
    };
    nothing_more("the first").await;

    let refused = [
        ("a bound", Txn { adds: vec![add(&counter, 1, None, Some(1))], ..note("second") }, CommitError::Limit(0)),
        ("a check", Txn { checks: vec![check(&counter, None)], ..note("second") }, CommitError::Conflict),
        ("what is first", Txn { is_first: true, ..note("second") }, CommitError::Conflict),
    ];
    for (why, txn, error) in refused {
        let answer = subject.store().commit_together(&home, &txn, &others("second")).await;
        assert_eq!(answer, Err(error), "{rule} ({why})");
        nothing_more(why).await;
    }

    let claim = Txn { checks: vec![Check { key: Key::lasting("first"), expected: None }], ..note("first") };
    let full = Room { index: INDEX, entry: sorted("second"), max: 1 };
    let crowded = Txn { rooms: vec![full], ..note("second") };
    for (why, refused) in [("a row is there already", claim), ("there is no room", crowded)] {
        let others = vec![(one.clone(), note("second")), (other.clone(), refused)];
        let answer = subject.store().commit_together(&home, &note("second"), &others).await;
        assert_eq!(answer, Ok(None), "{rule} ({why})");
        nothing_more(why).await;
    }
}

pub(super) async fn what_is_deleted_goes_and_what_is_there_may_be_put_again(subject: &Subject) {
    let rule = "the others put and delete rows and entries of sorted indexes";
    let [home, other] = ["home", "other"].map(|name| subject.shard(name));
    subject.applied(&other, note("old"), rule).await;
    let passing = Key::passing("passing", HOUR);
    let room = Room { index: INDEX, entry: sorted("old"), max: 1 };
    let again = Txn { rooms: vec![room], sorted_puts: vec![(INDEX, sorted("old"))], ..Txn::default() };
    let delete =
        Txn { deletes: vec![Key::lasting("old")], puts: vec![(passing.clone(), "new".into())], ..Txn::default() };
    let others = [(other.clone(), again), (other.clone(), delete)];
    if subject.store().commit_together(&home, &note("home"), &others).await == Ok(None) {
        return;
    }
    assert_eq!(state(subject, &other, &["old"]).await, (vec![false], vec!["old".to_owned()]), "{rule}");
    assert_eq!(subject.value(&other, &passing).await, some("new"), "{rule}");
    let removal =
        Txn { sorted_deletes: vec![(INDEX, sorted("old"))], deletes: vec![passing.clone()], ..Txn::default() };
    let ended = Txn { ends_shard: Some(HOUR), deletes: vec![Key::lasting("home")], ..Txn::default() };
    let answer = subject.store().commit_together(&home, &ended, &[(other.clone(), removal)]).await;
    assert_eq!(answer, Ok(Some(Committed::default())), "{rule}");
    assert_eq!(state(subject, &other, &["old"]).await, (vec![false], vec![]), "{rule}");
    assert_eq!(subject.value(&other, &passing).await, None, "{rule}");
    subject.applied(&other, note("new"), "another shard goes on when this one ends").await;
}
