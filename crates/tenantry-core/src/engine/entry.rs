//! Index entries of one organization in other shards: in a user's list of organizations, an address's list of
//! invitations, under a join code or a slug.
//!
//! If one server has both shards, the entry is written or removed in the same commit that makes it true or false (see
//! [`Store::commit_together`](crate::store::Store::commit_together)). In a cluster no commit spans two shards. So an
//! entry is written *before* the commit that makes it true, and removed *after* the commit that makes it false: for a
//! moment there can be too many entries, never too few. Whoever reads an entry confirms it in the organization's shard.
//!
//! # How a false entry is removed without losing a true one
//! Every attempt of an operation that writes entries has an [`Intent`], a unique name. It stands in the entry and in
//! the row that makes the entry true; an entry is true only if both agree. An entry that was confirmed to be false may
//! still become true, by a commit in flight. So whoever prunes it first writes a *fence* into the organization's shard:
//! a row with the name of the intent, in a commit that verifies that the entry is false. The commit that would make the
//! entry true requires that its fence is absent. One of the two commits fails, whatever the order and however long one
//! of them pauses. ([`limits::ENTRY_SETTLING`] merely keeps readers from disturbing commits in flight.)

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

/// The length of the [tag](shards::user_tag) with which sort keys begin.
const TAG_CHARS: usize = 17;

/// An index entry of an organization in another shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexEntry {
    /// In a user's shard: the user belongs to the organization and joined at this time.
    Membership(UserId, Timestamp),
    /// In a user's shard: the organization counts among those that the user owns.
    Owned(UserId),
    /// In a bucket of the platform: the organization has this job.
    Job(JobId),
    /// In an address's shard: the organization has this invitation. Found by the invitation's id.
    Invitation(NormalAddress, InvitationId),
    /// In an address's shard: this invitation is open. Sorted, to list the open invitations to the address.
    Invited(NormalAddress, InvitationId),
    /// In a code's shard: the code is the organization's.
    JoinCode(Hashed, JoinCodeId),
    /// In the search index of the platform.
    Search(SearchEntry),
    /// In a slug's shard: the slug is the organization's, and nobody else's.
    Slug {
        /// The slug.
        slug: Slug,
        /// Whether the operation derived the slug and may take another one if this is taken: it is then decided again.
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

    /// Whether only one organization can have the entry at a time. Such an entry is removed only after its value was
    /// compared: see `release_slug`.
    pub(crate) const fn is_claim(&self) -> bool {
        matches!(self, Self::Slug { .. })
    }

    /// The transaction that writes the entry.
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

    /// The transaction that removes the entry that the attempt `intent` wrote, and no other.
    pub(crate) fn remove(&self, organization: OrganizationId, intent: Intent) -> Result<Txn, Error> {
        let mut txn = Txn { frees: true, ..Txn::default() };
        match self {
            Self::Membership(user, at) => txn.sorted_deletes.push(membership(user, organization, intent, *at)),
            Self::Job(job) => txn.sorted_deletes.push(job.entry(organization)),
            Self::Owned(user) => txn.sorted_deletes.push(owned(user, organization, intent)),
            // Keep an entry for a while: the invitee may use the invitation once more, and is then told what became of
            // it.
            Self::Invitation(_, id) => {
                txn.deletes.push(keys::address_entry(*id).key);
                let row = InvitationEntryRow { organization, intent };
                txn.puts.push((keys::closed_address_entry(*id).key, rows::encode(&row)?));
            }
            Self::Invited(address, id) => txn.sorted_deletes.push(invited(address, organization, *id, intent)),
            Self::JoinCode(hashed, _) => txn.deletes.push(keys::join_code_entry(hashed).key),
            Self::Search(entry) => txn.sorted_deletes.push(entry.at(organization, intent)),
            // `release_slug` removes it, after comparing its value.
            Self::Slug { .. } => {}
        }
        Ok(txn)
    }
}

/// Sorted by the time of joining.
fn membership(user: &UserId, organization: OrganizationId, intent: Intent, at: Timestamp) -> (&'static str, Sorted) {
    // Eleven digits are the least that hold 64 bits. Up to 64 bytes, Redis keeps an entry in a fifth of the memory.
    let time = base62::encode(&(at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes(), 11);
    let sort_key = format!("{}{time}", shards::user_tag(user));
    (index::ORGANIZATIONS, Sorted { sort_key, entry: name(organization, intent) })
}

/// The range of a user's memberships behind `after`.
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

/// All entries of one user have the same sort key: their order does not matter.
fn owned(user: &UserId, organization: OrganizationId, intent: Intent) -> (&'static str, Sorted) {
    (index::OWNED, Sorted { sort_key: shards::user_tag(user), entry: name(organization, intent) })
}

/// The name of an entry that leads to an organization: the organization's id, and the intent of the attempt that wrote
/// it.
pub(crate) fn name(organization: OrganizationId, intent: Intent) -> String {
    format!("{}{}", organization.to_base62(), base62::encode(&intent.0.to_be_bytes(), 11))
}

/// Undoes [`name`].
pub(crate) fn parse_name(key: &str) -> Option<(OrganizationId, Intent)> {
    let (organization, intent) = key.split_at_checked(22)?;
    let intent = Intent(u64::from_be_bytes(base62::decode(intent)?));
    Some((OrganizationId::from_base62(organization)?, intent))
}

/// Sorted by the invitation's id, which grows with the time of its creation.
fn invited(
    address: &NormalAddress,
    organization: OrganizationId,
    invitation: InvitationId,
    intent: Intent,
) -> (&'static str, Sorted) {
    let sort_key = format!("{}{}", shards::address_tag(address), invitation.to_base62());
    (index::INVITED, Sorted { sort_key, entry: name(organization, intent) })
}

/// The range of the open invitations to an address behind `after`.
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

    /// Whether the attempt began so long ago that it was probably abandoned.
    pub(crate) fn is_settled(self, now: Timestamp) -> bool {
        let begun = i64::try_from(self.0 >> 32).unwrap_or(0).saturating_mul(1000);
        now.since(Timestamp::from_millis(begun)) > limits::ENTRY_SETTLING
    }
}

/// Why entries could not be written.
pub(crate) enum EntryError {
    /// Decide again: the operation may take another value, or what stood in the way is gone.
    Again,
    /// The operation is refused.
    Refused(Error),
}

impl From<Error> for EntryError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Whether an entry rightly counts an organization among those that a user owns.
enum Counted {
    /// The user owns it.
    Rightly,
    /// The user does not own it, but a commit in flight may make it so: until then it counts.
    Perhaps,
    /// The entry was false and has been pruned.
    NoLonger,
}

impl Engine {
    /// Writes `entries` before the commit that makes them true. `frees` is the [`Txn::frees`] of that commit.
    pub(crate) async fn write_entries(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entries: &[IndexEntry],
        frees: bool,
    ) -> Result<(), EntryError> {
        // One commit for each entry, even within one shard: a store can do each of them by a plain command.
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

    /// The slug is already claimed: by ourselves, by an organization that has it, or by an abandoned attempt. An
    /// abandoned attempt is fenced off, and its claim is taken over.
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
            // The claim is by another attempt of this organization, perhaps of the same request: its commit decides,
            // not its claim.
            if derived || other.organization == claim.organization {
                EntryError::Again
            } else {
                Error::new(ErrorKind::SlugTaken, format!("another organization has the slug {slug}: choose another"))
                    .into()
            }
        };
        // An attempt of our own organization is fenced off at once: a retry must not wait for what its first attempt
        // left behind.
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
        // The claim was abandoned. After this fence it cannot become true any more.
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

    /// The user owns as many organizations as they may, unless some of the entries are false. An entry that a failed
    /// attempt left behind must not refuse the next attempt: that one is repeated until the entry can be pruned.
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

    /// Prunes the `Owned` entry of an organization that the user does not own. The entry of a recent attempt is pruned
    /// only if `at_once` is set.
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

    /// Removes entries, after the commit that made them false, or after an attempt that is known to have failed.
    ///
    /// Best effort: whoever finds an entry that was left behind prunes it.
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
        // Each removal is tried, even if another one fails.
        futures_util::future::join_all(removed).await.into_iter().collect()
    }

    /// Removes this claim of a slug, and no other. The claims are compared decoded, since another version of this crate
    /// may have encoded the stored one differently.
    async fn release_slug(&self, claim: SlugClaimRow, slug: &Slug) -> Result<(), Error> {
        let (shard, key) = (shards::slug(slug), keys::slug_claim(slug).key);
        let found = self.store().read(&shard, std::slice::from_ref(&key)).await?.pop().flatten();
        let kept: Option<SlugClaimRow> = found.as_deref().map(rows::decode).transpose()?;
        if kept != Some(claim) {
            return Ok(());
        }
        let checks = vec![Check { key: key.clone(), expected: found }];
        match self.store().commit(&shard, &Txn { frees: true, checks, deletes: vec![key], ..Txn::default() }).await {
            // In a conflict, another organization has claimed the slug meanwhile.
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Prunes an entry that is false if `checks` hold. Best effort; answers whether it was pruned. The entry of a
    /// recent attempt stays.
    pub(crate) async fn prune(
        &self,
        entry: IndexEntry,
        organization: OrganizationId,
        intent: Intent,
        checks: Vec<Check>,
    ) -> bool {
        intent.is_settled(self.clock().now()) && self.prune_at_once(entry, organization, intent, checks).await
    }

    /// As [`prune`](Self::prune), but also for an entry that may be about to become true: its attempt is fenced off,
    /// and has to start again under a new intent.
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

    /// Keeps the attempt `intent` from ever committing in `home`, provided that `checks` hold. Answers whether they
    /// did.
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
