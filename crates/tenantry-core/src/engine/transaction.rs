//! One attempt of an operation: what it read, and what it wants written.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    access::{
        authority::{self, Authority},
        caller::{Caller, Identity},
        permission::Permission,
        registry::Registry,
        roles::Roles,
    },
    engine::{Engine, audit::EventRow, entry::IndexEntry},
    rows::{self, AUDIT, Intent, JobId, JobRow, OrganizationRow, RowKey, WholeOrganization, Work, index, keys, shards},
    store::{Add, Check, Entry, Index, Key, Numbered, Range, Shard, Txn, change::Change},
    values::{
        clock::Timestamp,
        entropy::Entropy,
        error::Error,
        ids::{JoinCodeId, OrganizationId},
        limits,
    },
    wire::Organization,
};

/// One attempt of an operation on one organization.
///
/// The commit checks every row that the decision rests on. If one has changed, the operation is decided again.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
    /// 0 for the first attempt.
    pub(crate) attempt: u32,
    /// The join code that led to the organization, if one did.
    pub(crate) join_code: Option<JoinCodeId>,
    /// The operation creates the organization: every row is taken to be absent, and none is read.
    pub(crate) is_new: bool,
    /// Whether the request was already counted against the rate limit of the API token that presents it.
    pub(crate) counted: bool,
    pub(crate) intent: Intent,
    pub(crate) authority: Authority,
    action: Option<&'static str>,
    organization: Option<OrganizationId>,
    pub(crate) shard: Shard,
    reads: BTreeMap<Key, Option<Bytes>>,
    /// Rows to put, or to delete (`None`). A later read in this attempt sees them as they will be.
    writes: BTreeMap<Key, Option<Bytes>>,
    /// How many reads of the store the decision rests on.
    round_trips: u32,
    /// Whether it is already known that another commit changed what this attempt read.
    overtaken: bool,
    txn: Txn,
    /// The errors for counters that would leave their bounds, in the order of `txn.adds`.
    limits: Vec<Error>,
    /// Index entries in other shards that this commit makes true.
    entries: Vec<IndexEntry>,
    /// Index entries in other shards that this commit makes false, and the intents of the attempts that wrote them.
    releases: Vec<(IndexEntry, Intent)>,
    /// How many jobs this attempt has made.
    jobs: u16,
    /// Index entries in other shards that are true but may be lost.
    pub(crate) restores: Vec<(IndexEntry, Intent)>,
}

/// What a decided transaction wants committed.
pub(crate) struct Decided {
    pub(crate) txn: Txn,
    pub(crate) limits: Vec<Error>,
    pub(crate) entries: Vec<IndexEntry>,
    pub(crate) releases: Vec<(IndexEntry, Intent)>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        caller: &'a Caller,
        action: Option<&'static str>,
        organization: Option<OrganizationId>,
        intent: Intent,
        attempt: u32,
    ) -> Self {
        Self {
            engine,
            caller,
            now: engine.clock().now(),
            attempt,
            join_code: None,
            is_new: false,
            counted: false,
            intent,
            authority: Authority::outside(caller),
            action,
            // Without an organization nothing is read through this transaction, and nothing is written.
            shard: organization.map_or_else(shards::platform, shards::organization),
            organization,
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            round_trips: 0,
            overtaken: false,
            txn: Txn::default(),
            limits: Vec::new(),
            entries: Vec::new(),
            releases: Vec::new(),
            jobs: 0,
            restores: Vec::new(),
        }
    }

    pub(crate) fn registry(&self) -> &'a Registry {
        self.engine.registry()
    }

    pub(crate) fn entropy(&self) -> &'a dyn Entropy {
        self.engine.entropy()
    }

    /// The organization in which the operation acts.
    pub(crate) fn organization_id(&self) -> Result<OrganizationId, Error> {
        self.organization.ok_or_else(|| Error::internal("an operation without an organization asked for it"))
    }

    /// Reads the caller's rights and requires `permission`; from here on they are [`authority`](Self::authority).
    pub(crate) async fn authorize(&mut self, permission: Permission) -> Result<(), Error> {
        self.identify().await?;
        self.authority.require(self.registry(), permission)
    }

    /// Reads the caller's rights, whatever they are. A caller without any is refused.
    pub(crate) async fn identify(&mut self) -> Result<(), Error> {
        let organization = self.organization_id()?;
        if let Caller::Token(presented) = self.caller
            && presented.key.organization() != organization
        {
            // The token belongs to another organization. If it is invalid there, say so. If it is valid there, count
            // the request; the decision below refuses it here.
            let home = self.engine.resolve_token(presented).await?;
            self.count(home.authority())?;
        }
        let keys = authority::keys(self.caller);
        self.load(keys.clone()).await?;
        let values = keys.map(|key| self.reads.get(&key).cloned().flatten());
        let (_, authority) = authority::decide(self.caller, organization, &values, self.registry(), self.now)?;
        self.count(&authority)?;
        self.authority = authority;
        Ok(())
    }

    /// Counts the request against the rate limit of the API token that presents it: once, however many attempts it
    /// takes.
    fn count(&mut self, authority: &Authority) -> Result<(), Error> {
        if !self.counted {
            self.engine.admit(authority)?;
            self.counted = true;
        }
        Ok(())
    }

    /// The user who calls; an API token is refused.
    pub(crate) fn user(&self) -> Result<&'a Identity, Error> {
        self.caller.user()
    }

    /// Reads rows ahead, in one round trip. Rows that were already read are not read again.
    pub(crate) async fn load(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), Error> {
        self.load_and_count(keys, &[]).await.map(|_| ())
    }

    /// As [`load`](Self::load). The same round trip reads counters to be shown, which the commit does not check.
    pub(crate) async fn load_and_count(
        &mut self,
        keys: impl IntoIterator<Item = Key>,
        counters: &[Key],
    ) -> Result<Vec<i64>, Error> {
        let mut missing: Vec<Key> = keys.into_iter().filter(|key| !self.reads.contains_key(key)).collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() && counters.is_empty() {
            return Ok(Vec::new());
        }
        let rows = missing.len();
        missing.extend_from_slice(counters);
        let mut values = if self.is_new {
            vec![None; missing.len()]
        } else {
            self.round_trips += 1;
            self.engine.store().read(&self.shard, &missing).await?
        };
        let counted = values.split_off(rows.min(values.len()));
        self.reads.extend(missing.into_iter().zip(values));
        counted.iter().map(|value| counter(value.as_deref())).collect()
    }

    /// The undecoded value of a row, as this attempt will leave it.
    pub(crate) async fn bytes(&mut self, key: &Key) -> Result<Option<Bytes>, Error> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.stored(key).await,
        }
    }

    /// The undecoded value of a row as it is in the store, without the writes of this attempt.
    async fn stored(&mut self, key: &Key) -> Result<Option<Bytes>, Error> {
        self.load([key.clone()]).await?;
        Ok(self.reads.get(key).cloned().flatten())
    }

    /// A row, as this attempt will leave it. The commit checks that the stored row is unchanged.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, key: &RowKey<T>) -> Result<Option<T>, Error> {
        self.bytes(&key.key).await?.as_deref().map(rows::decode).transpose()
    }

    /// The organization's row.
    pub(crate) async fn organization(&mut self) -> Result<OrganizationRow, Error> {
        self.get(&keys::organization()).await?.ok_or_else(|| Error::not_found("organization"))
    }

    /// The organization's row and profile.
    pub(crate) async fn whole_organization(&mut self) -> Result<WholeOrganization, Error> {
        let row = self.organization().await?;
        self.with_profile(row).await
    }

    /// Adds the organization's profile to its row.
    pub(crate) async fn with_profile(&mut self, row: OrganizationRow) -> Result<WholeOrganization, Error> {
        let profile = self.get(&keys::profile()).await?.unwrap_or_default();
        Ok(WholeOrganization { row, profile })
    }

    /// The organization as the API shows it.
    pub(crate) async fn shown(&mut self, row: OrganizationRow) -> Result<Organization, Error> {
        let whole = self.with_profile(row).await?;
        Organization::new(self.organization_id()?, whole)
    }

    /// The roles of the organization. [`authority::keys`] has their row, so it is read together with the caller's
    /// rights.
    pub(crate) async fn roles(&mut self) -> Result<Roles, Error> {
        let row = self.bytes(&keys::roles().key).await?;
        Roles::read(self.registry(), self.organization_id()?, row.as_deref())
    }

    /// Whether all rows that were read had these values at one moment. Rows of a single round trip did; others are read
    /// again and compared.
    pub(crate) async fn is_of_one_moment(&self) -> Result<bool, Error> {
        if self.overtaken || self.round_trips <= 1 {
            return Ok(!self.overtaken);
        }
        let keys: Vec<_> = self.reads.keys().cloned().collect();
        let values = self.engine.store().read(&self.shard, &keys).await?;
        Ok(values.iter().eq(self.reads.values()))
    }

    /// Reads rows to be shown. The commit does not check them.
    pub(crate) async fn peek<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<Option<T>>, Error> {
        let values = self.peek_bytes(keys).await?;
        values.iter().map(|value| value.as_deref().map(rows::decode).transpose()).collect()
    }

    /// As [`peek`](Self::peek), but undecoded.
    pub(crate) async fn peek_bytes(&self, keys: &[Key]) -> Result<Vec<Option<Bytes>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.engine.store().read(&self.shard, keys).await?)
    }

    /// Reads counters to be shown. The commit does not check them.
    pub(crate) async fn counters(&mut self, keys: &[Key]) -> Result<Vec<i64>, Error> {
        self.load_and_count([], keys).await
    }

    /// A range of one of the organization's indexes. The commit does not check it.
    pub(crate) async fn range(&self, range: &Range) -> Result<Vec<Numbered>, Error> {
        Ok(self.engine.store().range(&self.shard, range).await?)
    }

    /// The number of an entry of one of the organization's indexes, to be shown. The commit does not check it.
    pub(crate) async fn number(&self, index: Index, key: &str) -> Result<Option<u64>, Error> {
        Ok(self.numbers(index, &[key.to_owned()]).await?.into_iter().next().flatten())
    }

    /// As [`number`](Self::number), for several entries at once.
    pub(crate) async fn numbers(&self, index: Index, keys: &[String]) -> Result<Vec<Option<u64>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.engine.store().numbers(&self.shard, index, keys).await?)
    }

    /// Reserves the next number of an index of this organization, for an entry that must know it before the commit.
    pub(crate) async fn next_number(&mut self, index: Index) -> Result<u64, Error> {
        self.next_numbers(index, 1).await
    }

    /// Reserves the next `count` numbers of an index of this organization, and answers the first.
    ///
    /// They are given only if the organization's row is as it was read: otherwise a counter would stay behind in a
    /// shard whose organization was deleted meanwhile.
    pub(crate) async fn next_numbers(&mut self, index: Index, count: usize) -> Result<u64, Error> {
        let key = keys::organization().key;
        let expected = self.stored(&key).await?;
        let given = self.engine.next_numbers(&self.shard, index, count, vec![Check { key, expected }]).await?;
        self.overtaken |= given.is_none();
        given.ok_or_else(|| Error::unavailable("the organization was changed meanwhile"))
    }

    pub(crate) fn put<T: Serialize + DeserializeOwned>(&mut self, key: &RowKey<T>, row: &T) -> Result<(), Error> {
        // A row that this attempt deleted and now puts again also keeps the fields that only a newer version knows.
        let known = [&self.writes, &self.reads].map(|rows| rows.get(&key.key).and_then(Option::as_deref));
        let before = known.into_iter().flatten().next();
        let written = rows::encode_over(row, before)?;
        self.writes.insert(key.key.clone(), Some(written));
        Ok(())
    }

    pub(crate) fn delete<T>(&mut self, key: &RowKey<T>) {
        self.writes.insert(key.key.clone(), None);
    }

    /// Whether this attempt deletes the row.
    pub(crate) fn deletes(&self, key: &Key) -> bool {
        self.writes.get(key).is_some_and(Option::is_none)
    }

    /// Adds `check` to those of the commit.
    pub(crate) fn require(&mut self, check: Check) {
        self.reads.insert(check.key, check.expected);
    }

    /// Adds to a counter within bounds; `beyond` is the error if it would leave them.
    pub(crate) fn add(&mut self, add: Add, beyond: Error) {
        self.txn.adds.push(add);
        self.limits.push(beyond);
    }

    pub(crate) fn index(&mut self, index: Index, key: String, number: Option<u64>) {
        self.txn.index_puts.push(Entry { index, key, number });
    }

    pub(crate) fn unindex(&mut self, index: Index, key: String) {
        self.txn.index_deletes.push(Entry { index, key, number: None });
    }

    /// Says that this commit creates the organization, so that its shard must be empty.
    ///
    /// Only the first attempts require it: an abandoned attempt of the same request may have left rows there, and then
    /// the checks of the rows decide.
    pub(crate) fn begin(&mut self) {
        self.txn.is_first = self.attempt < limits::FIRST_ATTEMPTS_MAX;
    }

    /// Makes a job of `work`, which is done after the commit; see `jobs.rs`.
    pub(crate) fn later(&mut self, work: Work) -> Result<(), Error> {
        let id = JobId { intent: self.intent, place: self.jobs };
        self.jobs += 1;
        self.put(&keys::job(id), &JobRow { work, made_at: self.now, attempts: 0, due_at: self.now })?;
        self.index(index::JOBS, id.to_string(), None);
        self.enter(IndexEntry::Job(id));
        Ok(())
    }

    /// Has an index entry in another shard written before the commit makes it true.
    pub(crate) fn enter(&mut self, entry: IndexEntry) {
        self.entries.push(entry);
    }

    /// Has an index entry in another shard removed after the commit made it false.
    pub(crate) fn release(&mut self, entry: IndexEntry, intent: Intent) {
        self.releases.push((entry, intent));
    }

    /// Has a true index entry in another shard written again: a caller who repeats what is already done may do so
    /// because the entry is lost.
    pub(crate) fn restore(&mut self, entry: IndexEntry, intent: Intent) {
        self.restores.push((entry, intent));
    }

    /// Notifies every node of the change, and records it in the audit log.
    pub(crate) fn changed(&mut self, change: Change, target: Option<String>, details: &Value) -> Result<(), Error> {
        self.notify(change);
        self.record(target, details)
    }

    /// Notifies every node of the change.
    pub(crate) fn notify(&mut self, change: Change) {
        self.txn.notices.push(change);
    }

    /// Records a change in the audit log. This alone is enough for a change on which no resolved `Tenant` depends.
    pub(crate) fn record(&mut self, target: Option<String>, details: &Value) -> Result<(), Error> {
        let action = self.action.ok_or_else(|| Error::internal("an operation without an event changed something"))?;
        let row = EventRow {
            at: self.now,
            actor: self.authority.principal.clone(),
            action: action.to_owned(),
            target,
            details: details.clone(),
        };
        self.txn.appends.push((AUDIT, rows::encode(&row)?));
        Ok(())
    }

    /// Whether this attempt writes anything.
    pub(crate) fn writes(&self) -> bool {
        let Txn {
            is_first: _,
            frees: _,
            ends_shard: _,
            checks: _,
            puts,
            deletes,
            adds,
            index_puts,
            index_deletes,
            rooms: _,
            sorted_puts,
            sorted_deletes,
            log_drops,
            appends,
            notices,
        } = &self.txn;
        !(self.writes.is_empty()
            && puts.is_empty()
            && deletes.is_empty()
            && adds.is_empty()
            && index_puts.is_empty()
            && index_deletes.is_empty()
            && sorted_puts.is_empty()
            && sorted_deletes.is_empty()
            && log_drops.is_empty()
            && appends.is_empty()
            && notices.is_empty())
    }

    /// The transaction to commit, with a check for every row that was read.
    pub(crate) fn decided(mut self) -> (Shard, Decided) {
        self.txn.checks = self.reads.into_iter().map(|(key, expected)| Check { key, expected }).collect();
        for (key, value) in self.writes {
            match value {
                Some(value) => self.txn.puts.push((key, value)),
                None => self.txn.deletes.push(key),
            }
        }
        let Self { shard, txn, limits, entries, releases, .. } = self;
        (shard, Decided { txn, limits, entries, releases })
    }
}

/// The value of a counter's row.
pub(crate) fn counter(value: Option<&[u8]>) -> Result<i64, Error> {
    let Some(value) = value else { return Ok(0) };
    let text = std::str::from_utf8(value).map_err(Error::internal)?;
    text.parse().map_err(Error::internal)
}
