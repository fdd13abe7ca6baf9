//! Writes lost index entries again, from the rows of the organizations to which they lead.
//!
//! The rows of an organization are in one shard; the index entries that lead to it (a user's list, a slug, a join code,
//! the search index) are in others. A cluster keeps these shards on several primaries, and one primary may lose its
//! last second of writes, by a failover or by a crash before its log was synced. Then the organization's rows are what
//! counts, and its entries are written again from them:
//!
//! 1. An operation restores the entries that should have led to what it finds: when a member joins or accepts once
//!    more, and at every update of the organization. Whoever follows an entry that leads nowhere prunes it.
//! 2. [`Engine::repair`] goes through all organizations, in steps of bounded cost.
//!
//! A slug that two organizations hold cannot be repaired automatically, since people use both:
//! [`RepairStep::contested`] reports it.

use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Engine,
        entry::{EntryError, IndexEntry, parse_name},
        search_entry,
    },
    rows::{
        self, Intent, InvitationRow, JobId, JoinCodeRow, MemberRow, OrganizationRow, SlugClaimRow, index, keys, shards,
    },
    store::{Check, CommitError, Direction, Index, Key, Order, Range, Sorted, SortedRange},
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, JoinCodeId, OrganizationId, UserId},
        limits,
    },
};

/// The indexes of an organization that list things with index entries in other shards.
const INDEXES: [Index; 4] = [index::MEMBERS, index::INVITATIONS, index::JOIN_CODES, index::JOBS];
/// The two indexes of all organizations. A repair walks both: an organization that one of them has lost may still be in
/// the other.
const FINDERS: [&str; 2] = [index::CREATIONS, index::NAMES];

/// How far a [repair](Engine::repair) has come. Serialize it to continue the repair after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairProgress {
    /// The place of the index in `FINDERS`, and the bucket of that index.
    finder: usize,
    bucket: u32,
    /// The entry of that bucket whose organization was repaired last.
    after: Option<Sorted>,
    /// If the repair is in the midst of the next organization: the place in `INDEXES`, and the last number repaired
    /// there.
    within: Option<(usize, Option<u64>)>,
}

/// What one step of a [repair](Engine::repair) has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairStep {
    /// Where the next step continues; `None` after the last step.
    pub next: Option<RepairProgress>,
    /// How many organizations this step has begun to repair. A whole repair meets each organization twice.
    pub organizations: u64,
    /// How many entries this step has made sure are there.
    pub entries: u64,
    /// Slugs that another organization holds as well: the rows of both organizations name them.
    pub contested: Vec<ContestedSlug>,
}

/// A slug that two organizations hold. Give one of the two another slug.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContestedSlug {
    /// The slug.
    pub slug: String,
    /// The organization that holds the slug although the slug does not lead to it.
    pub organization: OrganizationId,
}

impl Engine {
    /// Takes one step of a walk through all organizations, from `progress` on or from the beginning: writes their lost
    /// index entries again. A step costs some hundred round trips at most. A step may be repeated, and operations may
    /// go on meanwhile.
    ///
    /// This is for the host itself: no permission is checked.
    ///
    /// # Errors
    /// `unavailable`: the same step can be tried again.
    pub async fn repair(&self, progress: Option<RepairProgress>) -> Result<RepairStep, Error> {
        let RepairProgress { finder, bucket, after, within } = progress.unwrap_or_default();
        let mut step = RepairStep::default();
        let Some(index) = FINDERS.get(finder) else { return Ok(step) };
        let all = SortedRange::whole(index, Direction::Ascending, 1);
        let range = SortedRange { after: after.clone(), ..all };
        let found = self.store().sorted_range(&shards::search(index, bucket), &range).await?.pop();
        let Some(entry) = found else {
            let (finder, bucket) =
                if bucket + 1 < limits::SEARCH_BUCKETS { (finder, bucket + 1) } else { (finder + 1, 0) };
            step.next =
                (finder < FINDERS.len()).then(|| RepairProgress { finder, bucket, ..RepairProgress::default() });
            return Ok(step);
        };
        let within = match parse_name(&entry.entry) {
            Some((organization, _)) => self.repair_part(organization, within, &mut step).await?,
            None => None,
        };
        let after = if within.is_some() { after } else { Some(entry) };
        step.next = Some(RepairProgress { finder, bucket, after, within });
        Ok(step)
    }

    /// Repairs one page of an organization's entries, and answers where the next page begins.
    async fn repair_part(
        &self,
        organization: OrganizationId,
        within: Option<(usize, Option<u64>)>,
        step: &mut RepairStep,
    ) -> Result<Option<(usize, Option<u64>)>, Error> {
        let home = shards::organization(organization);
        let Some((place, after)) = within else {
            let key = keys::organization().key;
            let found = self.store().read(&home, std::slice::from_ref(&key)).await?.pop().flatten();
            // The organization was deleted, or its creation never committed: a search will prune the entry.
            let Some(found) = found else { return Ok(None) };
            let row: OrganizationRow = rows::decode(&found)?;
            self.repair_entries(organization, search_entry::entries_and_slug(&row), step).await?;
            step.organizations += 1;
            return Ok(Some((0, None)));
        };
        let Some(index) = INDEXES.get(place).copied() else { return Ok(None) };
        let limit = limits::LIST_LIMIT_MAX as usize;
        let range = Range { index, after, to: None, order: Order::OldestFirst, limit };
        let listed = self.store().range(&home, &range).await?;
        let things: Vec<_> = listed.iter().filter_map(|entry| Thing::of(index, &entry.key)).collect();
        let keys: Vec<_> = things.iter().map(Thing::row_key).collect();
        let values = if keys.is_empty() { Vec::new() } else { self.store().read(&home, &keys).await? };
        let mut entries = Vec::new();
        for (thing, value) in things.into_iter().zip(values) {
            if let Some(value) = value {
                entries.extend(thing.entries(&value)?);
            }
        }
        self.repair_entries(organization, entries, step).await?;
        let last = listed.last().filter(|_| listed.len() == limit).map(|entry| entry.number);
        let next = last.map_or((place + 1, None), |last| (place, Some(last)));
        Ok(Some(next).filter(|(place, _)| *place < INDEXES.len()))
    }

    async fn repair_entries(
        &self,
        organization: OrganizationId,
        entries: impl IntoIterator<Item = (IndexEntry, Intent)>,
        step: &mut RepairStep,
    ) -> Result<(), Error> {
        let entries: Vec<_> = entries.into_iter().collect();
        let restored = entries.iter().map(async |(entry, intent)| self.restore(organization, *intent, entry).await);
        let restored = futures_util::future::join_all(restored).await;
        for ((entry, _), restored) in entries.iter().zip(restored) {
            match (restored, entry) {
                (Ok(()), _) => step.entries += 1,
                (Err(EntryError::Refused(error)), IndexEntry::Slug { slug, .. })
                    if error.kind() == ErrorKind::SlugTaken =>
                {
                    step.contested.push(ContestedSlug { slug: slug.to_string(), organization });
                }
                (Err(EntryError::Refused(error)), _) => return Err(error),
                (Err(EntryError::Again), _) => return Err(Error::unavailable("an entry is being changed")),
            }
        }
        Ok(())
    }

    /// Writes true entries again that may be lost. Best effort.
    pub(crate) async fn restore_all(&self, organization: OrganizationId, entries: Vec<(IndexEntry, Intent)>) {
        for (entry, intent) in entries {
            match (self.restore(organization, intent, &entry).await, &entry) {
                (Ok(()) | Err(EntryError::Again), _) => {}
                (Err(EntryError::Refused(error)), IndexEntry::Slug { slug, .. })
                    if error.kind() == ErrorKind::SlugTaken =>
                {
                    tracing::error!(%organization, %slug, "another organization has the slug as well: give one another");
                }
                (Err(EntryError::Refused(error)), _) => tracing::debug!(%error, "an entry could not be made sure of"),
            }
        }
    }

    /// Writes an entry again that was true and may be lost.
    ///
    /// If it becomes false meanwhile, it is pruned like any false entry.
    async fn restore(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entry: &IndexEntry,
    ) -> Result<(), EntryError> {
        let mut put = entry.put(organization, intent, self.host())?;
        // The limit was enforced when the entry was first written; it must not refuse the repair.
        put.rooms.clear();
        match (self.store().commit(&entry.shard(organization), &put).await, entry) {
            (Ok(_), _) => Ok(()),
            (Err(CommitError::Conflict), IndexEntry::Slug { slug, .. }) => {
                self.contest_slug(SlugClaimRow { organization, intent }, slug, false).await
            }
            (Err(CommitError::Conflict | CommitError::Limit(_)), _) => Err(EntryError::Again),
            (Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)), _) => {
                Err(Error::from(error).into())
            }
        }
    }

    /// Prunes an entry that led to something absent, once the absence is confirmed. Best effort.
    pub(crate) async fn prune_ghost(&self, organization: OrganizationId, entry: &IndexEntry, intent: Intent) {
        let absent = match entry {
            IndexEntry::JoinCode(_, id) => vec![keys::join_code(*id).key],
            IndexEntry::Invitation(_, id) => vec![keys::invitation(*id).key, keys::closed_invitation(*id).key],
            _ => return,
        };
        let found = self.store().read(&shards::organization(organization), &absent).await;
        if found.is_ok_and(|found| found.iter().all(Option::is_none)) {
            let checks = absent.into_iter().map(|key| Check { key, expected: None }).collect();
            self.prune(entry.clone(), organization, intent, checks).await;
        }
    }
}

/// Something of an organization that has index entries in other shards.
enum Thing {
    Member(UserId),
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    Job(JobId),
}

impl Thing {
    fn of(index: Index, key: &str) -> Option<Self> {
        match index {
            index::MEMBERS => UserId::new(key).ok().map(Self::Member),
            index::INVITATIONS => InvitationId::from_base62(key).map(Self::Invitation),
            index::JOIN_CODES => JoinCodeId::from_base62(key).map(Self::JoinCode),
            _ => JobId::parse(key).map(Self::Job),
        }
    }

    fn row_key(&self) -> Key {
        match self {
            Self::Member(user) => keys::member(user).key,
            Self::Invitation(id) => keys::invitation(*id).key,
            Self::JoinCode(id) => keys::join_code(*id).key,
            Self::Job(id) => keys::job(*id).key,
        }
    }

    /// The entries that its row makes true; `value` is that row.
    fn entries(self, value: &[u8]) -> Result<Vec<(IndexEntry, Intent)>, Error> {
        Ok(match self {
            Self::Member(user) => {
                let row: MemberRow = rows::decode(value)?;
                let owned = row.owned.map(|intent| (IndexEntry::Owned(user.clone()), intent));
                let membership = (IndexEntry::Membership(user, row.joined_at), row.intent);
                owned.into_iter().chain([membership]).collect()
            }
            Self::Invitation(id) => {
                let row: InvitationRow = rows::decode(value)?;
                let normal = row.address.normal();
                let entries = [IndexEntry::Invitation(normal.clone(), id), IndexEntry::Invited(normal, id)];
                entries.into_iter().map(|entry| (entry, row.intent)).collect()
            }
            Self::JoinCode(id) => {
                let row: JoinCodeRow = rows::decode(value)?;
                // The row does not say which intent wrote the entry. None is needed: pruning this entry requires that
                // the code's row is absent.
                row.code.map(|code| (IndexEntry::JoinCode(code, id), Intent::default())).into_iter().collect()
            }
            Self::Job(id) => vec![(IndexEntry::Job(id), id.intent)],
        })
    }
}
