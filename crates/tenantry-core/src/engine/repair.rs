//! Puts back what the store of one primary has lost of an organization that another still has.
//!
//! An organization is kept in one shard, and what leads to it (a user's list, a slug, a join code, the index of the
//! search) in others. A cluster keeps them on several primaries, and one of those may lose its last second: by a
//! fail-over, or by a crash without a synced log. What the organization's rows say is true then; the entries are made
//! anew from it:
//!
//! 1. Whoever touches an organization where its entries ought to be looks after them: a member who joins or accepts once
//!    more, and every update of the organization. An entry that leads nowhere is pruned by whom it has led there.
//! 2. [`Engine::repair`] goes through all organizations, in steps of bounded cost.
//!
//! A slug that two organizations hold cannot be repaired by itself, since people use both: it is told.

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

/// The indexes of an organization whose things have entries elsewhere.
const INDEXES: [Index; 4] = [index::MEMBERS, index::INVITATIONS, index::JOIN_CODES, index::JOBS];
/// The indexes by which organizations are found, both: of an organization that one has lost the other may tell.
const FINDERS: [&str; 2] = [index::CREATIONS, index::NAMES];

/// How far a [repair](Engine::repair) has come. It may be kept as text, and goes on after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairProgress {
    /// Which of the indexes, and which of its buckets.
    finder: usize,
    bucket: u32,
    /// Behind which organization of that bucket.
    after: Option<Sorted>,
    /// In the midst of the one that follows: in which of its indexes, and behind which number.
    within: Option<(usize, Option<u64>)>,
}

/// What one step of a [repair](Engine::repair) has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairStep {
    /// Where the next step goes on; `None`: that was the last one.
    pub next: Option<RepairProgress>,
    /// How many organizations it has come through. An organization is met twice in all.
    pub organizations: u64,
    /// How many entries it has made sure of.
    pub entries: u64,
    /// Slugs that another organization holds as well: both believe that they are theirs.
    pub contested: Vec<ContestedSlug>,
}

/// A slug that two organizations hold. Give one of them another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContestedSlug {
    /// The slug.
    pub slug: String,
    /// The organization that the slug does not lead to.
    pub organization: OrganizationId,
}

impl Engine {
    /// Makes sure of the entries of some organizations, those behind `progress`, or the first ones: a step of
    /// a walk through all of them. It costs some hundred round trips at most. Doing it again does no harm, and neither does
    /// what happens meanwhile.
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

    /// Makes sure of one page of an organization's entries. Answers where the next one begins.
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
            // It is gone, or never came to be: whoever searches prunes the entry.
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

    /// Restores entries that somebody's presence puts in question. Best effort.
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

    /// Writes an entry again that has been true for a while, and may be gone.
    ///
    /// Should it become false meanwhile, it is one of those that are found to be so.
    async fn restore(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entry: &IndexEntry,
    ) -> Result<(), EntryError> {
        let mut put = entry.put(organization, intent, self.host())?;
        // It has had its room.
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

    /// Prunes the entry that led to something that is not there, if it is not there indeed. Best effort.
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

/// Something of an organization that has entries elsewhere.
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

    /// The entries that its row, which is `value`, makes true.
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
                // Whoever prunes by it looks for the code's row first.
                row.code.map(|code| (IndexEntry::JoinCode(code, id), Intent::default())).into_iter().collect()
            }
            Self::Job(id) => vec![(IndexEntry::Job(id), id.intent)],
        })
    }
}
