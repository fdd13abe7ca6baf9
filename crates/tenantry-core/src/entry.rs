//! Entries of one organization in the shards of others: a user's organizations, an address's invitations, a join
//! code, a slug.
//!
//! No commit spans two shards. So an entry is written *before* the commit that makes it true, and removed *after* the
//! commit that makes it false: for a moment there can be too many entries, never too few. Whoever reads one confirms
//! it in the organization's shard.
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
    address::NormalAddress,
    clock::Timestamp,
    engine::Engine,
    entropy::{Entropy, bytes},
    error::{Error, ErrorKind},
    host::Host,
    ids::{InvitationId, JoinCodeId, OrganizationId, UserId},
    jobs::JobId,
    limits,
    rows::{self, Intent, JoinCodeEntryRow, MemberRow, OrganizationRow, SlugClaimRow, index, keys, shards},
    search::{self, SearchEntry},
    secret::Hashed,
    slug::Slug,
    store::{Add, Check, CommitError, Entry, Order, Range, Shard, Txn},
};

/// An entry of an organization elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexEntry {
    /// In a user's shard: the user belongs to the organization.
    Membership(UserId),
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
    fn shard(&self, organization: OrganizationId) -> Shard {
        match self {
            Self::Membership(user) | Self::Owned(user) => shards::user(user),
            Self::Invitation(address, _) | Self::Invited(address, _) => shards::address(address),
            Self::Job(job) => shards::jobs(job.bucket()),
            Self::JoinCode(code, _) => shards::join_code(code),
            Self::Search(_) => search::bucket(organization),
            Self::Slug { slug, .. } => shards::slug(slug),
        }
    }

    /// Writes the entry.
    fn put(&self, organization: OrganizationId, intent: Intent, host: &Host) -> Result<Txn, Error> {
        let mut txn = Txn::default();
        match self {
            Self::Membership(_) => txn.index_puts.push(membership(organization, intent)),
            Self::Job(job) => txn.index_puts.push(job.entry(organization)),
            // The row keeps a repetition from counting twice.
            Self::Owned(_) => {
                let entry = owned(organization, intent);
                let key = keys::owned_entry(&entry.key).key;
                txn.checks.push(Check { key: key.clone(), expected: None });
                txn.puts.push((key, rows::encode(&())?));
                txn.adds.push(Add { key: keys::owned(), by: 1, min: None, max: host.owned_max() });
                txn.index_puts.push(entry);
            }
            Self::Invitation(_, id) => txn.puts.push((keys::address_entry(*id).key, rows::encode(&organization)?)),
            Self::Invited(_, id) => txn.index_puts.push(invited(organization, *id, intent)),
            Self::JoinCode(_, code) => {
                let row = JoinCodeEntryRow { organization, code: *code };
                txn.puts.push((keys::join_code_entry().key, rows::encode(&row)?));
            }
            Self::Search(entry) => txn.sorted_puts.push(entry.at(organization, intent)),
            Self::Slug { .. } => {
                let key = keys::slug_claim().key;
                txn.checks.push(Check { key: key.clone(), expected: None });
                txn.puts.push((key, rows::encode(&SlugClaimRow { organization, intent })?));
            }
        }
        Ok(txn)
    }

    /// Removes the entry that the try `intent` wrote, and no other.
    fn remove(&self, organization: OrganizationId, intent: Intent) -> Result<Txn, Error> {
        let mut txn = Txn::default();
        match self {
            Self::Membership(_) => txn.index_deletes.push(membership(organization, intent)),
            Self::Job(job) => txn.index_deletes.push(job.entry(organization)),
            Self::Owned(_) => {
                let entry = owned(organization, intent);
                let key = keys::owned_entry(&entry.key).key;
                txn.checks.push(Check { key: key.clone(), expected: Some(rows::encode(&())?) });
                txn.deletes.push(key);
                txn.adds.push(Add { key: keys::owned(), by: -1, min: None, max: None });
                txn.index_deletes.push(entry);
            }
            // Whoever it was for may name it once more, and is told what became of it.
            Self::Invitation(_, id) => {
                txn.deletes.push(keys::address_entry(*id).key);
                txn.puts.push((keys::closed_address_entry(*id).key, rows::encode(&organization)?));
            }
            Self::Invited(_, id) => txn.index_deletes.push(invited(organization, *id, intent)),
            Self::JoinCode(..) => txn.deletes.push(keys::join_code_entry().key),
            Self::Search(entry) => txn.sorted_deletes.push(entry.at(organization, intent)),
            Self::Slug { .. } => {
                let key = keys::slug_claim().key;
                let expected = Some(rows::encode(&SlugClaimRow { organization, intent })?);
                txn.checks.push(Check { key: key.clone(), expected });
                txn.deletes.push(key);
            }
        }
        Ok(txn)
    }
}

fn membership(organization: OrganizationId, intent: Intent) -> Entry {
    Entry { index: index::ORGANIZATIONS, key: name(organization, intent), number: None }
}

fn owned(organization: OrganizationId, intent: Intent) -> Entry {
    Entry { index: index::OWNED, ..membership(organization, intent) }
}

/// What an entry is called that leads to an organization: its id, and the try that wrote it.
pub(crate) fn name(organization: OrganizationId, intent: Intent) -> String {
    format!("{}{:016x}", organization.to_base62(), intent.0)
}

/// Undoes [`name`].
pub(crate) fn parse_name(key: &str) -> Option<(OrganizationId, Intent)> {
    let (organization, intent) = key.split_at_checked(22)?;
    let intent = u64::from_str_radix(intent, 16).ok()?;
    Some((OrganizationId::from_base62(organization)?, Intent(intent)))
}

fn invited(organization: OrganizationId, invitation: InvitationId, intent: Intent) -> Entry {
    let key = format!("{}{}{:016x}", organization.to_base62(), invitation.to_base62(), intent.0);
    Entry { index: index::INVITED, key, number: None }
}

/// Undoes the key of an entry in an address's list.
pub(crate) fn parse_invited(key: &str) -> Option<(OrganizationId, InvitationId, Intent)> {
    let (organization, rest) = key.split_at_checked(22)?;
    let (invitation, intent) = rest.split_at_checked(22)?;
    let intent = u64::from_str_radix(intent, 16).ok()?;
    Some((OrganizationId::from_base62(organization)?, InvitationId::from_base62(invitation)?, Intent(intent)))
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

impl Engine {
    /// Writes `entries`, before the commit that makes them true.
    pub(crate) async fn write_entries(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entries: &[IndexEntry],
    ) -> Result<(), EntryError> {
        let written = entries.iter().map(|entry| self.write_entry(organization, intent, entry));
        futures_util::future::join_all(written).await.into_iter().collect()
    }

    async fn write_entry(
        &self,
        organization: OrganizationId,
        intent: Intent,
        entry: &IndexEntry,
    ) -> Result<(), EntryError> {
        match self.store().commit(&entry.shard(organization), &entry.put(organization, intent, self.host())?).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict) => match entry {
                IndexEntry::Slug { slug, derived } => {
                    self.contest_slug(SlugClaimRow { organization, intent }, slug, *derived).await
                }
                // An earlier attempt of the same try wrote it.
                IndexEntry::Owned(_) => Ok(()),
                _ => Err(Error::internal("an index entry without a check was in conflict").into()),
            },
            Err(CommitError::Limit(_)) => match entry {
                IndexEntry::Owned(user) => self.contest_owned(user).await,
                _ => Err(Error::internal("an index entry without a counter was beyond its bounds").into()),
            },
            Err(CommitError::Unavailable(error)) => Err(Error::from(error).into()),
        }
    }

    /// Somebody claims the slug already: perhaps ourselves, perhaps an organization that has it, perhaps a try that
    /// was abandoned half-way, which is then fenced off.
    async fn contest_slug(&self, claim: SlugClaimRow, slug: &Slug, derived: bool) -> Result<(), EntryError> {
        let shard = shards::slug(slug);
        let key = keys::slug_claim().key;
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
        if !other.intent.is_settled(self.clock().now()) {
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
            Err(CommitError::Unavailable(error)) => Err(Error::from(error).into()),
        }
    }

    /// The user owns as many organizations as they may, unless some of those are counted falsely.
    async fn contest_owned(&self, user: &UserId) -> Result<(), EntryError> {
        let mut after = None;
        loop {
            let limit = limits::LIST_LIMIT_MAX as usize;
            let range = Range { index: index::OWNED, after, order: Order::OldestFirst, limit };
            let entries = self.store().range(&shards::user(user), &range).await.map_err(Error::from)?;
            for (organization, intent) in entries.iter().filter_map(|entry| parse_name(&entry.key)) {
                if self.prune_owned(user, organization, intent).await? {
                    return Err(EntryError::Again);
                }
            }
            after = entries.last().map(|entry| entry.number);
            if entries.len() < limit {
                let detail = "the user owns as many organizations as they may: one must be given up first";
                return Err(Error::new(ErrorKind::OwnedLimit, detail).into());
            }
        }
    }

    /// Gives back what is counted for an organization that the user does not own. Whether anything was given back.
    async fn prune_owned(&self, user: &UserId, organization: OrganizationId, intent: Intent) -> Result<bool, Error> {
        let home = shards::organization(organization);
        let keys = [keys::organization().key, keys::member(user).key];
        let values = self.store().read(&home, &keys).await?;
        let there = values.first().is_some_and(Option::is_some);
        let member: Option<MemberRow> = values.get(1).and_then(Option::as_deref).map(rows::decode).transpose()?;
        if there && member.is_some_and(|member| member.owned == Some(intent)) {
            return Ok(false);
        }
        let checks = keys.into_iter().zip(values).map(|(key, expected)| Check { key, expected }).collect();
        Ok(self.prune(IndexEntry::Owned(user.clone()), organization, intent, checks).await)
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
        let removals = entries.iter().map(async |(entry, intent)| {
            match self.store().commit(&entry.shard(organization), &entry.remove(organization, *intent)?).await {
                // A conflict: the slug is somebody else's by now.
                Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
                Err(CommitError::Unavailable(error)) => Err(error.into()),
            }
        });
        // All are tried, whatever becomes of one.
        futures_util::future::join_all(removals).await.into_iter().collect()
    }

    /// Prunes an entry that was found to be false by `checks`. Best effort; whether it did.
    pub(crate) async fn prune(
        &self,
        entry: IndexEntry,
        organization: OrganizationId,
        intent: Intent,
        checks: Vec<Check>,
    ) -> bool {
        let pruned = intent.is_settled(self.clock().now())
            && matches!(self.fence(&shards::organization(organization), intent, checks).await, Ok(true));
        if pruned {
            self.remove_entries(organization, &[(entry, intent)]).await;
        }
        pruned
    }

    /// Keeps the try `intent` from ever committing in `home`, provided that `checks` hold. Whether they did.
    async fn fence(&self, home: &Shard, intent: Intent, checks: Vec<Check>) -> Result<bool, Error> {
        let fence = Txn { checks, puts: vec![(keys::fence(intent).key, rows::encode(&())?)], ..Txn::default() };
        match self.store().commit(home, &fence).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(false),
            Err(CommitError::Unavailable(error)) => Err(error.into()),
        }
    }
}
