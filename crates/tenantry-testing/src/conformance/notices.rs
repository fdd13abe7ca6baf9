//! Notices.

use std::{future::ready, time::Duration};

use futures_util::StreamExt;
use tenantry_core::{
    store::{
        Changes, CommitError, Key, Txn,
        change::{Change, Signal},
    },
    values::{
        clock::Timestamp,
        ids::{OrganizationId, UserId},
    },
};

use super::{Subject, check};

/// How often a check begins anew because the link was lost.
const ATTEMPTS_MAX: usize = 20;
/// How long the silence may be. Generous: it only ends what would never end.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A notice that only this check of this run sends: `name` is the scope's.
fn notice(subject: &Subject, name: &str) -> Change {
    let user = UserId::new(format!("{name}@{}", subject.scope));
    let user = user.unwrap_or_else(|error| panic!("choose a shorter scope, of printable text: {error}"));
    Change::Member(OrganizationId::from_parts(Timestamp::from_millis(1), [7; 10]), user)
}

async fn next(changes: &mut Changes) -> Signal {
    // A proof is no notice: nothing else for so long is silence.
    let mut notices = changes.filter(|signal| ready(!matches!(signal, Signal::Proven(_))));
    let next = tokio::time::timeout(SILENCE_MAX, notices.next()).await;
    let next = next.unwrap_or_else(|_| {
        panic!("against the rule: notices reach every listener, or it hears that the link is lost")
    });
    next.unwrap_or_else(|| panic!("against the rule: a stream of changes does not end before the store does"))
}

/// A stream whose beginning was heard.
async fn listen(store: &dyn tenantry_core::store::Store) -> Changes {
    let mut changes = store.changes();
    let first = next(&mut changes).await;
    assert_eq!(first, Signal::LinkBack, "against the rule: a stream from changes begins with LinkBack");
    changes
}

/// What the listener hears of `expected`, up to its last one; `None` if the link was lost.
async fn hear(changes: &mut Changes, expected: &[Change]) -> Option<Vec<Change>> {
    let mut heard = Vec::new();
    while heard.last() != expected.last() {
        match next(changes).await {
            Signal::Changed(change) if expected.contains(&change) => heard.push(change),
            Signal::LinkLost => return None,
            Signal::Changed(_) | Signal::LinkBack | Signal::Proven(_) => {}
        }
    }
    Some(heard)
}

pub(super) async fn reach_every_listener_in_order(subject: &Subject) {
    let rule = "notices reach every listener on every node, in the order of the commits";
    let expected: Vec<_> = (0..100).map(|n| notice(subject, &n.to_string())).collect();
    let shard = subject.shard("");
    for _ in 0..ATTEMPTS_MAX {
        let mut listeners = Vec::new();
        for store in subject.nodes.iter().chain(&subject.nodes) {
            listeners.push(listen(&**store).await);
        }
        for (n, notices) in expected.chunks(2).enumerate() {
            let store = &subject.nodes[n % subject.nodes.len()];
            let answer = store.commit(&shard, &Txn { notices: notices.to_vec(), ..Txn::default() }).await;
            assert!(answer.is_ok(), "{rule}: {answer:?}");
        }
        let mut lost = false;
        for listener in &mut listeners {
            match hear(listener, &expected).await {
                Some(heard) => assert_eq!(heard, expected, "{rule}"),
                None => lost = true,
            }
        }
        if !lost {
            return;
        }
    }
    panic!("the link was lost {ATTEMPTS_MAX} times, so nobody knows about the rule: {rule}");
}

pub(super) async fn of_a_failed_commit_are_not_sent(subject: &Subject) {
    let rule = "all of the transaction is applied or nothing is: a failed one has no notices";
    let (never, last) = (notice(subject, "never"), notice(subject, "last"));
    let shard = subject.shard("listening");
    for _ in 0..ATTEMPTS_MAX {
        let mut changes = listen(subject.other()).await;
        let checks = vec![check(&Key::lasting("absent"), Some("x"))];
        let txn = Txn { checks, notices: vec![never.clone()], ..Txn::default() };
        subject.refused(&shard, txn, CommitError::Conflict, rule).await;
        subject.applied(&shard, Txn { notices: vec![last.clone()], ..Txn::default() }, rule).await;
        if let Some(heard) = hear(&mut changes, &[never.clone(), last.clone()]).await {
            return assert_eq!(heard, [last], "{rule}");
        }
    }
    panic!("the link was lost {ATTEMPTS_MAX} times, so nobody knows about the rule: {rule}");
}

pub(super) async fn streams_begin_with_link_back(subject: &Subject) {
    for store in &subject.nodes {
        let mut first = listen(&**store).await;
        drop(listen(&**store).await);
        // A listener that has gone does not disturb the one that stays.
        let last = notice(subject, "last");
        let txn = Txn { notices: vec![last.clone()], ..Txn::default() };
        subject.applied(&subject.shard(""), txn, "a commit may consist of notices only").await;
        while !matches!(next(&mut first).await, Signal::Changed(change) if change == last) {}
    }
}
