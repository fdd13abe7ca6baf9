//! Walks through organizations, those of the platform's index or those of one user, and confirms each entry.

use std::collections::VecDeque;

use futures_util::future::{join_all, try_join_all};

use crate::{
    engine::{
        Engine,
        entry::{self, IndexEntry},
        resolve::exactly,
        search_entry::{self, SearchEntry},
    },
    rows::{OrganizationRow, WholeOrganization, index, keys, shards},
    store::{Check, Direction, Sorted, SortedRange},
    values::{
        error::Error,
        ids::{OrganizationId, UserId},
        limits,
    },
};

/// A range of one of the platform's sorted indexes, in one direction.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) index: &'static str,
    pub(crate) direction: Direction,
    pub(crate) from: Option<String>,
    pub(crate) below: Option<String>,
}

/// An entry that a scan has reached, and the organization to which it leads, if there is one.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) place: Sorted,
    pub(crate) found: Option<Found>,
}

/// An organization as it was when its entry was confirmed.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: OrganizationId,
    pub(crate) organization: WholeOrganization,
    /// The place of its true entry. That is not the place of the entry that was read if the organization was renamed
    /// after the index was read. The scan may have passed the true place already, or may have read ahead of it, and
    /// would then not reach it any more.
    pub(crate) place: Sorted,
}

/// Goes from organization to organization.
pub(crate) enum Scan<'a> {
    Platform(Merge<'a>),
    Own { engine: &'a Engine, user: &'a UserId, after: Option<Sorted>, ended: bool },
}

impl<'a> Scan<'a> {
    pub(crate) fn platform(engine: &'a Engine, span: Span, after: Option<&Sorted>) -> Self {
        let bucket = |number| Bucket { number, ahead: VecDeque::new(), after: after.cloned(), ended: false };
        Self::Platform(Merge { engine, span, buckets: (0..limits::SEARCH_BUCKETS).map(bucket).collect() })
    }

    pub(crate) fn own(engine: &'a Engine, user: &'a UserId, after: Option<Sorted>) -> Self {
        Self::Own { engine, user, after, ended: false }
    }

    /// The next entries, at most `limit`; none at the end.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Vec<Step>, Error> {
        match self {
            Self::Platform(merge) => {
                let entries = merge.next(limit).await?;
                try_join_all(entries.into_iter().map(|entry| confirm(merge.engine, merge.span.index, entry))).await
            }
            Self::Own { engine, user, after, ended } => {
                let entries = engine.membership_entries(user, after.clone(), limit).await?;
                *ended = entries.len() < limit;
                *after = entries.last().cloned().or(after.take());
                let steps = entries.into_iter().map(async |entry| {
                    let named = entry::parse_membership(&entry);
                    let Some(named) = named else { return Ok(Step { place: entry, found: None }) };
                    let (id, ..) = named;
                    let mut found = None;
                    let confirmed = engine.confirm_membership(user, named, [keys::profile().key]).await?;
                    if let Some(((_, row, ..), [profile])) = confirmed {
                        let organization = WholeOrganization::with(row, profile.as_deref())?;
                        found = Some(Found { id, organization, place: entry.clone() });
                    }
                    Ok(Step { place: entry, found })
                });
                join_all(steps).await.into_iter().collect()
            }
        }
    }

    /// Whether the scan has reached its end.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Self::Platform(merge) => merge.buckets.iter().all(|bucket| bucket.ended && bucket.ahead.is_empty()),
            Self::Own { ended, .. } => *ended,
        }
    }
}

/// Merges all buckets of a sorted index into one sequence.
pub(crate) struct Merge<'a> {
    engine: &'a Engine,
    span: Span,
    buckets: Vec<Bucket>,
}

struct Bucket {
    number: u32,
    /// Entries that were read and not yet taken.
    ahead: VecDeque<Sorted>,
    after: Option<Sorted>,
    ended: bool,
}

impl Merge<'_> {
    /// The next entries. Reads each bucket once if `limit` is no more than a chunk; a bucket whose entries run out is
    /// read again, alone.
    async fn next(&mut self, limit: usize) -> Result<Vec<Sorted>, Error> {
        let chunk = limit.clamp(1, limits::SEARCH_CHUNK_MAX);
        let mut entries = Vec::with_capacity(limit);
        while entries.len() < limit {
            self.fill(chunk).await?;
            let heads = self.buckets.iter_mut().filter(|bucket| !bucket.ahead.is_empty());
            let next = match self.span.direction {
                Direction::Ascending => heads.min_by(|one, two| one.ahead.front().cmp(&two.ahead.front())),
                Direction::Descending => heads.max_by(|one, two| one.ahead.front().cmp(&two.ahead.front())),
            };
            let Some(entry) = next.and_then(|bucket| bucket.ahead.pop_front()) else { break };
            entries.push(entry);
        }
        // If no entry is left in memory, a bucket whose last chunk was full may still be at its end: only another read
        // tells whether the scan has ended.
        if self.buckets.iter().all(|bucket| bucket.ahead.is_empty()) {
            self.fill(chunk).await?;
        }
        Ok(entries)
    }

    /// Reads the next chunk of every bucket whose entries have run out, concurrently.
    async fn fill(&mut self, chunk: usize) -> Result<(), Error> {
        let (engine, span) = (self.engine, &self.span);
        let dry = self.buckets.iter_mut().filter(|bucket| !bucket.ended && bucket.ahead.is_empty());
        let reads = dry.map(async |bucket| {
            let range = SortedRange {
                index: span.index,
                from: span.from.clone(),
                below: span.below.clone(),
                after: bucket.after.take(),
                direction: span.direction,
                limit: chunk,
            };
            let entries = engine.store().sorted_range(&shards::search(span.index, bucket.number), &range).await?;
            bucket.ended = entries.len() < chunk;
            bucket.after = entries.last().cloned();
            bucket.ahead = entries.into();
            Ok::<_, Error>(())
        });
        try_join_all(reads).await.map(|_| ())
    }
}

/// Confirms an entry by its organization's row, and prunes it if it is false.
async fn confirm(engine: &Engine, index: &'static str, entry: Sorted) -> Result<Step, Error> {
    let mut found = None;
    if let Some((id, intent)) = entry::parse_name(&entry.entry) {
        let key = keys::organization().key;
        let keys = [key.clone(), keys::profile().key];
        let [value, profile] = exactly(engine.store().read(&shards::organization(id), &keys).await?)?;
        let whole = WholeOrganization::read(value.as_deref(), profile.as_deref())?;
        let true_entry = whole.as_ref().and_then(|whole| true_entry(id, &whole.row, index));
        if true_entry.as_ref() != Some(&entry)
            && let Some(told) = told(index, &entry)
        {
            let checks = vec![Check { key, expected: value }];
            engine.prune(IndexEntry::Search(told), id, intent, checks).await;
        }
        found = whole.zip(true_entry).map(|(organization, place)| Found { id, organization, place });
    }
    Ok(Step { place: entry, found })
}

/// The entry that an organization rightly has in `index`.
fn true_entry(id: OrganizationId, row: &OrganizationRow, index: &'static str) -> Option<Sorted> {
    search_entry::entries(row).into_iter().find_map(|(told, intent)| {
        let IndexEntry::Search(told) = told else { return None };
        let (place, sorted) = told.at(id, intent);
        (place == index).then_some(sorted)
    })
}

/// Decodes an entry of `index`.
fn told(index: &'static str, entry: &Sorted) -> Option<SearchEntry> {
    if index == index::NAMES {
        return Some(SearchEntry::Name(entry.sort_key.clone()));
    }
    search_entry::parse_time_key(&entry.sort_key).map(SearchEntry::Creation)
}

/// Reads organizations that were found before, as they are now. If `user` is set, only those to which the user belongs.
pub(crate) async fn again(
    engine: &Engine,
    user: Option<&UserId>,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, WholeOrganization)>, Error> {
    let reads = ids.iter().map(async |id| {
        let mut keys = vec![keys::organization().key, keys::profile().key];
        keys.extend(user.map(|user| keys::member(user).key));
        let values = engine.store().read(&shards::organization(*id), &keys).await?;
        // If `user` is set, there is one more value: their membership.
        let [row, profile, member @ ..] = &values[..] else { return Ok(None) };
        if member.iter().any(Option::is_none) {
            return Ok(None);
        }
        let whole = WholeOrganization::read(row.as_deref(), profile.as_deref())?;
        Ok(whole.map(|whole| (*id, whole)))
    });
    let rows: Result<Vec<_>, Error> = join_all(reads).await.into_iter().collect();
    Ok(rows?.into_iter().flatten().collect())
}
