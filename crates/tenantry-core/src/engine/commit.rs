//! Writes what an operation decided.

use super::{Course, Engine, Stop};
use crate::{
    engine::{entry::IndexEntry, transaction::Decided},
    rows::{Intent, keys},
    store::{Check, CommitError, Shard, Txn},
    values::{error::Error, ids::OrganizationId},
};

impl Engine {
    /// Commits the change and its index entries together if the store can; otherwise writes the new entries, then
    /// commits, then removes the old entries.
    pub(super) async fn commit(
        &self,
        course: &mut Course<'_>,
        organization: OrganizationId,
        shard: &Shard,
        decided: Decided,
    ) -> Result<(), Stop> {
        let Decided { mut txn, mut limits, entries, mut releases } = decided;
        let fence = keys::fence(course.intent).key;
        if !entries.is_empty() {
            txn.checks.push(Check { key: fence.clone(), expected: None });
        }
        let others = self.others(organization, course.intent, &entries, &releases)?;
        let mut together = None;
        if !others.is_empty() {
            together = self.store().commit_together(shard, &txn, &others).await.transpose();
        }
        let committed = if let Some(committed) = together {
            releases.retain(|(entry, _)| entry.is_claim());
            committed
        } else {
            for entry in &entries {
                let entered = (entry.clone(), course.intent);
                if !course.pending.contains(&entered) {
                    course.pending.push(entered);
                }
            }
            self.write_entries(organization, course.intent, &entries, txn.frees).await?;
            self.store().commit(shard, &txn).await
        };
        if matches!(committed, Ok(_) | Err(CommitError::Unavailable(_))) {
            self.tell_observers(&txn.notices);
        }
        course.is_uncertain = matches!(committed, Err(CommitError::Unavailable(_)));
        match committed {
            Ok(_) => {
                for entry in &entries {
                    if let IndexEntry::Job(job) = entry {
                        self.0.made.push(organization, *job);
                    }
                }
                // Entries that this commit made true stay. Entries that an earlier attempt wrote and this one did not
                // want are false.
                let mut removals = releases;
                course.pending.retain(|(entry, _)| !entries.contains(entry));
                removals.append(&mut course.pending);
                self.remove_entries(organization, &removals).await;
                Ok(())
            }
            Err(CommitError::Conflict) => {
                // If somebody has fenced this attempt off, a new intent is needed: under the old one it could never
                // commit.
                let fenced = !entries.is_empty()
                    && self.store().read(shard, &[fence]).await.map_err(Error::from)?.iter().any(Option::is_some);
                if fenced {
                    self.remove_entries(organization, &std::mem::take(&mut course.pending)).await;
                    course.intent = Intent::new(self.clock().now(), self.entropy())?;
                }
                Err(Stop::Again)
            }
            Err(CommitError::Limit(place)) if place < limits.len() => Err(limits.swap_remove(place).into()),
            Err(CommitError::Limit(_)) => Err(Error::internal("the store named a counter that there is not").into()),
            Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => {
                Err(Error::of_commit(error).into())
            }
        }
    }

    /// The transactions of a commit in other shards. They write the entries that it makes true, and remove those that
    /// it makes false, except [claims](IndexEntry::is_claim).
    fn others(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entries: &[IndexEntry],
        releases: &[(IndexEntry, Intent)],
    ) -> Result<Vec<(Shard, Txn)>, Error> {
        let puts = entries.iter().map(|entry| (entry, entry.put(organization, intent, self.host())));
        let removed = releases.iter().filter(|(entry, _)| !entry.is_claim());
        let removals = removed.map(|(entry, intent)| (entry, entry.remove(organization, *intent)));
        puts.chain(removals).map(|(entry, txn)| Ok((entry.shard(organization), txn?))).collect()
    }
}
