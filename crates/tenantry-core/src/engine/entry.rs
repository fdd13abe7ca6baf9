//! Entries of one organization in the shards of others: a user's organizations, an address's invitations, a join
//! code, a slug.
//!
//! Where one server has both shards, the entry is written and removed by the very commit that makes it true and false (see
//! [`Store::commit_together`](crate::store::Store::commit_together)). In a cluster no commit spans two shards. So an entry
//! is written *before* the commit that makes it true, and removed *after* the commit that makes it false: for a moment
//! there can be too many entries, never too few. Whoever reads one confirms it in the organization's shard.
//!
//! # How a false entry is removed without losing a true one
//! Every try of an operation that writes entries has an [`Intent`], a name of its own. It stands in the entry and in
//! the row that makes the entry true; an entry is true only if both agree. An entry that was confirmed to be false may
//! still be about to become true, by a commit that is under way. Before somebody prunes it they put up a *fence*, a
//! row with the name of the intent, in the organization's shard, in a commit which verifies that the entry is false;
//! and the commit that would make it true requires that its fence is absent. One of the two loses, whatever the order
//! and however long one of them pauses. ([`limits::ENTRY_SETTLING`] merely keeps readers from disturbing commits that
//! are under way.)

use crate::{
    engine::{
        Engine,
        search_entry::{self, SearchEntry},
    },
    host::Host,
    rows::{
        self, Intent, InvitationEntryRow, JobId, JoinCodeEntryRow, MemberRow, OrganizationRow, SlugClaimRow, index,
        keys, shards,
    },
    secret::Hashed,
    store::{Check, CommitError, Direction, Room, Shard, Sorted, SortedRange, Txn},
    values::{
        address::NormalAddress,
        base62,
        clock::Timestamp,
        entropy::{Entropy, bytes},
        error::{Error, ErrorKind},
        ids::{InvitationId, JoinCodeId, OrganizationId, UserId},
        limits,
        slug::Slug,
    },
};

/// How long the [tag](shards::user_tag) is with which sort keys begin.
const TAG_CHARS: usize = 17;

/// An entry of an organization elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexEntry {
    /// In a user's shard: the user belongs to the organization, since then.
    Membership(UserId, Timestamp),
    /// In a user's shard: the organization counts among those that the user owns.
    Owned(UserId),
    /// In a bucket of the platform: the organization has this job.
    Job(JobId),
    /// In an address's shard: the organization has an invitation for it. It leads there whoever names its id.
    Invitation(NormalAddress, InvitationId),
    /// In an address's shard: that invitation waits for an answer. Ordered, for the list of them.
    Invited(NormalAddress, InvitationId),
    /// In a code's shard: the code is the organization's.
    JoinCode(Hashed, JoinCodeId),
    /// In the search index of the platform.
    Search(SearchEntry),
    /// In a slug's shard: the slug is the organization's, and nobody else's.
    Slug {
        /// The slug.
        slug: Slug,
        /// Whether another will do if this one is taken: the operation is then decided anew.
        derived: bool,
    },
}

impl IndexEntry {
    pub(crate) fn shard(&self, organization: OrganizationId) -> Shard {
        match self {
            Self::Membership(user, _) | Self::Owned(user) => shards::user(user),
            Self::Invitation(address, _) | Self::Invited(address, _) => shards::address(address),
            Self::Job(job) => shards::jobs(job.bucket()),
            Self::JoinCode(code, _) => shards::join_code(code),
            Self::Search(entry) => search_entry::bucket(entry.index(), organization),
            Self::Slug { slug, .. } => shards::slug(slug),
        }
    }

    /// Whether it is nobody else's at the same time: it is removed only by who knows what it says.
    pub(crate) const fn is_claim(&self) -> bool {
        matches!(self, Self::Slug { .. })
    }

    /// Writes the entry.
    pub(crate) fn put(&self, organization: OrganizationId, intent: Intent, host: &Host) -> Result<Txn, Error> {
        let mut txn = Txn::default();
        match self {
            Self::Membership(user, at) => txn.sorted_puts.push(membership(user, organization, intent, *at)),
            Self::Job(job) => txn.sorted_puts.push(job.entry(organization)),
            Self::Owned(user) => {
                let (index, entry) = owned(user, organization, intent);
                let room = host.owned_max().map(|max| Room { index, entry: entry.clone(), max });
                txn.rooms.extend(room);
                txn.sorted_puts.push((index, entry));
            }
            Self::Invitation(_, id) => {
                let row = InvitationEntryRow { organization, intent };
                txn.puts.push((keys::address_entry(*id).key, rows::encode(&row)?));
            }
            Self::Invited(address, id) => txn.sorted_puts.push(invited(address, organization, *id, intent)),
            Self::JoinCode(hashed, code) => {
                let row = JoinCodeEntryRow { organization, code: *code, intent };
                txn.puts.push((keys::join_code_entry(hashed).key, rows::encode(&row)?));
            }
            Self::Search(entry) => txn.sorted_puts.push(entry.at(organization, intent)),
            Self::Slug { slug, .. } => {
                let key = keys::slug_claim(slug).key;
                txn.checks.push(Check { key: key.clone(), expected: None });
                txn.puts.push((key, rows::encode(&SlugClaimRow { organization, intent })?));
            }
        }
        Ok(txn)
    }

    /// Removes the entry that the try `intent` wrote, and no other.
    pub(crate) fn remove(&self, organization: OrganizationId, intent: Intent) -> Result<Txn, Error> {
        let mut txn = Txn { frees: true, ..Txn::default() };
        match self {
            Self::Membership(user, at) => txn.sorted_deletes.push(membership(user, organization, intent, *at)),
            Self::Job(job) => txn.sorted_deletes.push(job.entry(organization)),
            Self::Owned(user) => txn.sorted_deletes.push(owned(user, organization, intent)),
            // Whoever it was for may name it once more, and is told what became of it.
            Self::Invitation(_, id) => {
                txn.deletes.push(keys::address_entry(*id).key);
                let row = InvitationEntryRow { organization, intent };
                txn.puts.push((keys::closed_address_entry(*id).key, rows::encode(&row)?));
            }
            Self::Invited(address, id) => txn.sorted_deletes.push(invited(address, organization, *id, intent)),
            Self::JoinCode(hashed, _) => txn.deletes.push(keys::join_code_entry(hashed).key),
            Self::Search(entry) => txn.sorted_deletes.push(entry.at(organization, intent)),
            // What it says must be known: see `release_slug`.
            Self::Slug { .. } => {}
        }
        Ok(txn)
    }
}

/// In the order of joining.
fn membership(user: &UserId, organization: OrganizationId, intent: Intent, at: Timestamp) -> (&'static str, Sorted) {
    // Not a digit more: up to 64 bytes, Redis keeps an entry in a fifth of the room.
    let time = base62::encode(&(at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes(), 11);
    let sort_key = format!("{}{time}", shards::user_tag(user));
    (index::ORGANIZATIONS, Sorted { sort_key, entry: name(organization, intent) })
}

/// A part of a user's organizations.
pub(crate) fn memberships(user: &UserId, after: Option<Sorted>, limit: usize) -> SortedRange {
    let all = SortedRange::under(index::ORGANIZATIONS, &shards::user_tag(user), Direction::Ascending, limit);
    SortedRange { after, ..all }
}

/// Undoes the entry of [`membership`].
pub(crate) fn parse_membership(entry: &Sorted) -> Option<(OrganizationId, Intent, Timestamp)> {
    let (organization, intent) = parse_name(&entry.entry)?;
    let time = entry.sort_key.split_at_checked(TAG_CHARS)?.1;
    let millis = u64::from_be_bytes(base62::decode(time)?) ^ (1 << 63);
    Some((organization, intent, Timestamp::from_millis(millis.cast_signed())))
}

/// In no order that matters.
fn owned(user: &UserId, organization: OrganizationId, intent: Intent) -> (&'static str, Sorted) {
    (index::OWNED, Sorted { sort_key: shards::user_tag(user), entry: name(organization, intent) })
}

/// What an entry is called that leads to an organization: its id, and the try that wrote it.
pub(crate) fn name(organization: OrganizationId, intent: Intent) -> String {
    format!("{}{}", organization.to_base62(), base62::encode(&intent.0.to_be_bytes(), 11))
}

/// Undoes [`name`].
pub(crate) fn parse_name(key: &str) -> Option<(OrganizationId, Intent)> {
    let (organization, intent) = key.split_at_checked(22)?;
    let intent = Intent(u64::from_be_bytes(base62::decode(intent)?));
    Some((OrganizationId::from_base62(organization)?, intent))
}

/// In the order of the ids, which is the one in which they were made.
fn invited(
    address: &NormalAddress,
    organization: OrganizationId,
    invitation: InvitationId,
    intent: Intent,
) -> (&'static str, Sorted) {
    let sort_key = format!("{}{}", shards::address_tag(address), invitation.to_base62());
    (index::INVITED, Sorted { sort_key, entry: name(organization, intent) })
}

/// A part of the open invitations to an address.
pub(crate) fn invitations(
    address: &NormalAddress,
    after: Option<Sorted>,
    direction: Direction,
    limit: usize,
) -> SortedRange {
    SortedRange { after, ..SortedRange::under(index::INVITED, &shards::address_tag(address), direction, limit) }
}

/// Undoes the entry of [`invited`].
pub(crate) fn parse_invited(entry: &Sorted) -> Option<(OrganizationId, InvitationId, Intent)> {
    let (organization, intent) = parse_name(&entry.entry)?;
    let invitation = entry.sort_key.split_at_checked(TAG_CHARS)?.1;
    Some((organization, InvitationId::from_base62(invitation)?, intent))
}

impl Intent {
    pub(crate) fn new(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, Error> {
        let seconds = u64::try_from(now.as_seconds()).unwrap_or(0);
        let random: [u8; 4] = bytes(entropy)?;
        Ok(Self((seconds << 32) | u64::from(u32::from_be_bytes(random))))
    }

    /// Whether the try is so long ago that it was probably abandoned.
    pub(crate) fn is_settled(self, now: Timestamp) -> bool {
        let begun = i64::try_from(self.0 >> 32).unwrap_or(0).saturating_mul(1000);
        now.since(Timestamp::from_millis(begun)) > limits::ENTRY_SETTLING
    }
}

/// Why entries could not be written.
pub(crate) enum EntryError {
    /// Decide anew: something else will do, or the way is free now.
    Again,
    /// The operation is refused.
    Refused(Error),
}

impl From<Error> for EntryError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Whether an organization counts among those that a user owns.
enum Counted {
    /// The user owns it.
    Rightly,
    /// The user does not own it, but may be about to: it counts until that is decided.
    Perhaps,
    /// It does not count any more.
    NoLonger,
}

impl Engine {
    /// Writes `entries`, before the commit that makes them true; `frees`: as that commit [does](Txn::frees).
    pub(crate) async fn write_entries(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entries: &[IndexEntry],
        frees: bool,
    ) -> Result<(), EntryError> {
        // Each by itself, also those of one shard: a store has a plain command for each of them.
        let written = entries.iter().map(async |entry| {
            let put = Txn { frees, ..entry.put(organization, intent, self.host())? };
            let claim = SlugClaimRow { organization, intent };
            match (self.store().commit(&entry.shard(organization), &put).await, entry) {
                (Ok(_), _) => Ok(()),
                (Err(CommitError::Conflict), IndexEntry::Slug { slug, derived }) => {
                    self.contest_slug(claim, slug, *derived).await
                }
                (Err(CommitError::Limit(_)), IndexEntry::Owned(user)) => self.contest_owned(user, organization).await,
                (Err(CommitError::Conflict | CommitError::Limit(_)), _) => {
                    Err(Error::internal("an index entry that nothing speaks against was refused").into())
                }
                (Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))), _) => {
                    Err(Error::of_preparation(error).into())
                }
            }
        });
        futures_util::future::join_all(written).await.into_iter().collect()
    }

    /// Somebody claims the slug already: perhaps ourselves, perhaps an organization that has it, perhaps a try that
    /// was abandoned half-way, which is then fenced off.
    pub(crate) async fn contest_slug(&self, claim: SlugClaimRow, slug: &Slug, derived: bool) -> Result<(), EntryError> {
        let shard = shards::slug(slug);
        let key = keys::slug_claim(slug).key;
        let current = self.store().read(&shard, std::slice::from_ref(&key)).await.map_err(Error::from)?.pop().flatten();
        let Some(current) = current else { return Err(EntryError::Again) };
        let other: SlugClaimRow = rows::decode(&current)?;
        if other == claim {
            return Ok(());
        }
        let taken = || {
            // Another try of this organization: of the same request, perhaps. Its commit tells, not its claim.
            if derived || other.organization == claim.organization {
                EntryError::Again
            } else {
                Error::new(ErrorKind::SlugTaken, format!("another organization has the slug {slug}: choose another"))
                    .into()
            }
        };
        // A try of our own organization is fenced off at once: a retry must not wait for what its first try has left.
        let is_own = other.organization == claim.organization;
        if !is_own && !other.intent.is_settled(self.clock().now()) {
            return Err(taken());
        }
        let home = shards::organization(other.organization);
        let row_key = keys::organization().key;
        let row = self.store().read(&home, std::slice::from_ref(&row_key)).await.map_err(Error::from)?.pop().flatten();
        let holder: Option<OrganizationRow> = row.as_deref().map(rows::decode).transpose()?;
        if holder.is_some_and(|holder| holder.slug == *slug && holder.slug_intent == other.intent) {
            return Err(taken());
        }
        // Abandoned. From here on it cannot become true any more.
        if !self.fence(&home, other.intent, vec![Check { key: row_key, expected: row }]).await? {
            return Err(EntryError::Again);
        }
        let mut takeover = Txn::default();
        takeover.checks.push(Check { key: key.clone(), expected: Some(current) });
        takeover.puts.push((key, rows::encode(&claim)?));
        match self.store().commit(&shard, &takeover).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict | CommitError::Limit(_)) => Err(EntryError::Again),
            Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => {
                Err(Error::of_preparation(error).into())
            }
        }
    }

    /// The user owns as many organizations as they may, unless some of those are counted falsely. One that a failed try
    /// left behind is no reason to refuse the next: that is to be tried again, until what was left can be pruned.
    async fn contest_owned(&self, user: &UserId, claimant: OrganizationId) -> Result<(), EntryError> {
        let (mut after, mut is_certain) = (None, true);
        loop {
            let limit = limits::LIST_LIMIT_MAX as usize;
            let all = SortedRange::under(index::OWNED, &shards::user_tag(user), Direction::Ascending, limit);
            let range = SortedRange { after, ..all };
            let mut entries = self.store().sorted_range(&shards::user(user), &range).await.map_err(Error::from)?;
            for (organization, intent) in entries.iter().filter_map(|entry| parse_name(&entry.entry)) {
                match self.prune_owned(user, organization, intent, organization == claimant).await? {
                    Counted::Rightly => {}
                    Counted::Perhaps => is_certain = false,
                    Counted::NoLonger => return Err(EntryError::Again),
                }
            }
            let is_end = entries.len() < limit;
            after = entries.pop();
            if is_end && !is_certain {
                return Err(EntryError::Again);
            }
            if is_end {
                let detail = "the user owns as many organizations as they may: one must be given up first";
                return Err(Error::new(ErrorKind::OwnedLimit, detail).into());
            }
        }
    }

    /// Gives back what is counted for an organization that the user does not own; what a try left of late, `at_once` only.
    async fn prune_owned(
        &self,
        user: &UserId,
        organization: OrganizationId,
        intent: Intent,
        at_once: bool,
    ) -> Result<Counted, Error> {
        let home = shards::organization(organization);
        let keys = [keys::organization().key, keys::member(user).key];
        let values = self.store().read(&home, &keys).await?;
        let there = values.first().is_some_and(Option::is_some);
        let member: Option<MemberRow> = values.get(1).and_then(Option::as_deref).map(rows::decode).transpose()?;
        if there && member.is_some_and(|member| member.owned == Some(intent)) {
            return Ok(Counted::Rightly);
        }
        let checks = keys.into_iter().zip(values).map(|(key, expected)| Check { key, expected }).collect();
        let pruned = (at_once || intent.is_settled(self.clock().now()))
            && self.prune_at_once(IndexEntry::Owned(user.clone()), organization, intent, checks).await;
        Ok(if pruned { Counted::NoLonger } else { Counted::Perhaps })
    }

    /// Removes entries, after the commit that made them false, or after a try that is known to have failed.
    ///
    /// Nothing depends on it: whoever finds one that was left prunes it.
    pub(crate) async fn remove_entries(&self, organization: OrganizationId, entries: &[(IndexEntry, Intent)]) {
        if let Err(error) = self.remove_all_entries(organization, entries).await {
            tracing::debug!(%error, "an index entry stays until it is pruned");
        }
    }

    /// Removes entries; when this answers `Ok`, all of them are gone.
    pub(crate) async fn remove_all_entries(
        &self,
        organization: OrganizationId,
        entries: &[(IndexEntry, Intent)],
    ) -> Result<(), Error> {
        let removed = entries.iter().map(async |(entry, intent)| {
            if let IndexEntry::Slug { slug, .. } = entry {
                return self.release_slug(SlugClaimRow { organization, intent: *intent }, slug).await;
            }
            let removal = entry.remove(organization, *intent)?;
            match self.store().commit(&entry.shard(organization), &removal).await {
                Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
                Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
            }
        });
        // All are tried, whatever becomes of one.
        futures_util::future::join_all(removed).await.into_iter().collect()
    }

    /// Gives a slug back that was claimed so, and no other. Another version may have written the claim: it is compared
    /// by what it says.
    async fn release_slug(&self, claim: SlugClaimRow, slug: &Slug) -> Result<(), Error> {
        let (shard, key) = (shards::slug(slug), keys::slug_claim(slug).key);
        let found = self.store().read(&shard, std::slice::from_ref(&key)).await?.pop().flatten();
        let kept: Option<SlugClaimRow> = found.as_deref().map(rows::decode).transpose()?;
        if kept != Some(claim) {
            return Ok(());
        }
        let checks = vec![Check { key: key.clone(), expected: found }];
        match self.store().commit(&shard, &Txn { frees: true, checks, deletes: vec![key], ..Txn::default() }).await {
            // A conflict: the slug is somebody else's by now.
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Prunes an entry that was found to be false by `checks`. Best effort; whether it did.
    pub(crate) async fn prune(
        &self,
        entry: IndexEntry,
        organization: OrganizationId,
        intent: Intent,
        checks: Vec<Check>,
    ) -> bool {
        intent.is_settled(self.clock().now()) && self.prune_at_once(entry, organization, intent, checks).await
    }

    /// The same of an entry that may be about to become true: its try is fenced off, and has to begin anew.
    async fn prune_at_once(
        &self,
        entry: IndexEntry,
        organization: OrganizationId,
        intent: Intent,
        checks: Vec<Check>,
    ) -> bool {
        let pruned = matches!(self.fence(&shards::organization(organization), intent, checks).await, Ok(true));
        if pruned {
            self.remove_entries(organization, &[(entry, intent)]).await;
        }
        pruned
    }

    /// Keeps the try `intent` from ever committing in `home`, provided that `checks` hold. Whether they did.
    async fn fence(&self, home: &Shard, intent: Intent, checks: Vec<Check>) -> Result<bool, Error> {
        let fence =
            Txn { frees: true, checks, puts: vec![(keys::fence(intent).key, rows::encode(&())?)], ..Txn::default() };
        match self.store().commit(home, &fence).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(false),
            Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => {
                Err(Error::of_preparation(error))
            }
        }
    }
}
