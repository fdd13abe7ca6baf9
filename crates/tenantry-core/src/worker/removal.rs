//! What is left of a deleted organization, and how it is removed.
//!
//! 1. Deleting is one commit: a [`GoneRow`] takes the place of the organization's row. Every decision and every index
//!    entry is confirmed by the organization's row, so it is gone for everyone from then on, whatever else is still
//!    there.
//! 2. A job removes the rest in steps of at most [`limits::REMOVAL_STEP_MAX`] things: first their index entries in
//!    other shards, then, in one commit, their rows and their entries in the organization's own indexes. Those indexes
//!    list what is left to do. So a step that was interrupted is simply done again, and nothing is forgotten.
//! 3. When nothing is left but other jobs, of which the host is still to be told, the job waits for them. Then it calls
//!    the host's hook and records the deletion in the platform's log, and the commit that ends the job deletes the last
//!    rows.
//!
//! Rows with a lifetime (closed invitations, answers to idempotency keys, fences) are left to the store, which removes
//! them.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::{
    engine::{
        Engine,
        audit::{self, DELETIONS},
        entry::IndexEntry,
    },
    host::hooks::{HookError, OrganizationEvent},
    operations::{issued::Issued, workspaces},
    rows::{
        self, AUDIT, GoneRow, Intent, InvitationRow, JobId, JoinCodeRow, MemberRow, RolesRow, TokenRow, WorkspaceRow,
        index, keys, shards,
    },
    store::{Check, CommitError, Entry, Index, Key, Order, Range, Txn, change::Change},
    values::{
        error::Error,
        ids::{InvitationId, JoinCodeId, OrganizationId, UserId, WorkspaceId},
        limits,
        token_key::TokenKey,
    },
    worker::Outcome,
};

/// The indexes that list the things of an organization.
const INDEXES: [Index; 5] = [index::MEMBERS, index::INVITATIONS, index::JOIN_CODES, index::WORKSPACES, index::TOKENS];

/// A thing of an organization, as its index names it.
enum Thing {
    Member(UserId),
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    Workspace(WorkspaceId),
    Token(TokenKey),
}

/// What one step removes.
#[derive(Default)]
struct Step {
    entries: Vec<(IndexEntry, Intent)>,
    rows: BTreeSet<Key>,
    issued: Vec<Entry>,
    notices: Vec<Change>,
}

/// A deletion in progress. `kept` is the stored row that says so, which only the end of the deletion changes.
struct Removal<'a> {
    engine: &'a Engine,
    organization: OrganizationId,
    kept: Bytes,
    gone: GoneRow,
}

impl Engine {
    /// Goes on with the removal of a deleted organization; `job` is the job that does it.
    pub(crate) async fn remove_organization(
        &self,
        organization: OrganizationId,
        job: JobId,
        tell: bool,
    ) -> Result<Outcome, HookError> {
        let key = keys::gone().key;
        let found = self.store().read(&shards::organization(organization), std::slice::from_ref(&key)).await?;
        let Some(kept) = found.into_iter().next().flatten() else { return Ok(Outcome::Done(Box::default())) };
        let gone = rows::decode(&kept)?;
        let removal = Removal { engine: self, organization, kept, gone };
        if !removal.remove_things().await? {
            return Ok(Outcome::Unfinished(std::time::Duration::ZERO));
        }
        removal.remove_roles().await?;
        if removal.has_other_jobs(job).await? {
            return Ok(Outcome::Unfinished(limits::REMOVAL_WAIT));
        }
        if let Some(hooks) = self.host().known_hooks().filter(|_| tell) {
            hooks.organization_deleted(&removal.event(job)).await?;
        }
        removal.leave_trace().await?;
        Ok(Outcome::Done(Box::new(removal.end())))
    }
}

impl Removal<'_> {
    /// Removes members, invitations, codes, workspaces and tokens, and before them the index entries that lead to the
    /// organization itself. Answers whether all of these are removed.
    async fn remove_things(&self) -> Result<bool, Error> {
        let row = &self.gone.organization.row;
        let slug = (IndexEntry::Slug { slug: row.slug.clone(), derived: false }, row.slug_intent);
        let entries: Vec<_> = crate::engine::search_entry::entries(row).into_iter().chain([slug]).collect();
        self.engine.remove_all_entries(self.organization, &entries).await?;
        let mut steps_left = limits::REMOVAL_STEPS_MAX;
        for index in INDEXES {
            while self.step(index).await? {
                steps_left -= 1;
                if steps_left == 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Removes the first things of an index. Answers whether there were any.
    async fn step(&self, index: Index) -> Result<bool, Error> {
        let home = shards::organization(self.organization);
        let range = Range { index, after: None, to: None, order: Order::OldestFirst, limit: limits::REMOVAL_STEP_MAX };
        let listed = self.engine.store().range(&home, &range).await?;
        if listed.is_empty() {
            return Ok(false);
        }
        let things: Vec<_> = listed.iter().filter_map(|entry| self.thing(index, &entry.key)).collect();
        let keys: Vec<_> = things.iter().map(Thing::row_key).collect();
        let values = self.engine.store().read(&home, &keys).await?;
        let mut step = Step::default();
        for ((thing, key), value) in things.into_iter().zip(keys).zip(values) {
            if let Some(value) = value {
                thing.gather(self.organization, &value, &mut step)?;
            }
            step.rows.insert(key);
        }
        self.engine.remove_all_entries(self.organization, &step.entries).await?;
        let listed = listed.into_iter().map(|entry| Entry { index, key: entry.key, number: None });
        let txn = Txn {
            deletes: step.rows.into_iter().collect(),
            index_deletes: listed.chain(step.issued).collect(),
            notices: step.notices,
            ..self.txn()
        };
        self.commit(txn).await?;
        Ok(true)
    }

    fn thing(&self, index: Index, entry: &str) -> Option<Thing> {
        match index {
            index::MEMBERS => UserId::new(entry).ok().map(Thing::Member),
            index::INVITATIONS => InvitationId::from_base62(entry).map(Thing::Invitation),
            index::JOIN_CODES => JoinCodeId::from_base62(entry).map(Thing::JoinCode),
            index::WORKSPACES => WorkspaceId::from_base62(entry).map(Thing::Workspace),
            _ => TokenKey::from_short(self.organization, entry).map(Thing::Token),
        }
    }

    /// Removes the organization's own roles, its profile, and the counters of what is removed by now.
    async fn remove_roles(&self) -> Result<(), Error> {
        let home = shards::organization(self.organization);
        let key = keys::roles().key;
        let found = self.engine.store().read(&home, std::slice::from_ref(&key)).await?;
        let roles: Option<RolesRow> = found.first().and_then(Option::as_deref).map(rows::decode).transpose()?;
        let holders = roles.unwrap_or_default().own.into_iter().map(|role| keys::role_holders(role.number));
        let numbers = INDEXES.into_iter().map(Range::counter);
        let deletes = holders
            .chain(numbers)
            .chain([
                key,
                keys::profile().key,
                keys::seats(),
                keys::workspaces(),
                keys::open_invitations(),
                keys::mails(),
            ])
            .collect();
        self.commit(Txn { deletes, ..self.txn() }).await
    }

    async fn has_other_jobs(&self, job: JobId) -> Result<bool, Error> {
        let range = Range { index: index::JOBS, after: None, to: None, order: Order::OldestFirst, limit: 2 };
        let jobs = self.engine.store().range(&shards::organization(self.organization), &range).await?;
        Ok(jobs.iter().any(|entry| entry.key != job.to_string()))
    }

    fn event(&self, job: JobId) -> OrganizationEvent {
        OrganizationEvent {
            id: job.in_full(self.organization),
            at: self.gone.at,
            organization: self.organization,
            name: self.gone.organization.row.name.clone(),
            slug: self.gone.organization.row.slug.as_str().to_owned(),
        }
    }

    /// Writes the deletion into the platform's log, once, since the organization's own log is dropped.
    async fn leave_trace(&self) -> Result<(), Error> {
        let key = keys::deletion_noted(self.organization).key;
        let txn = Txn {
            frees: true,
            checks: vec![Check { key: key.clone(), expected: None }],
            puts: vec![(key, rows::encode(&())?)],
            appends: vec![(DELETIONS, audit::deletion(self.organization, &self.gone)?)],
            ..Txn::default()
        };
        match self.engine.store().commit(&shards::platform(), &txn).await {
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// The transaction that ends the job and removes the last rows.
    fn end(&self) -> Txn {
        let deletes = vec![keys::gone().key, Range::counter(index::JOBS)];
        Txn { ends_shard: Some(limits::CLOSED_INVITATION_LIFETIME), deletes, log_drops: vec![AUDIT], ..self.txn() }
    }

    /// The base of every commit of the removal. It conflicts once the removal has ended.
    fn txn(&self) -> Txn {
        let checks = vec![Check { key: keys::gone().key, expected: Some(self.kept.clone()) }];
        Txn { frees: true, checks, ..Txn::default() }
    }

    async fn commit(&self, txn: Txn) -> Result<(), Error> {
        match self.engine.store().commit(&shards::organization(self.organization), &txn).await {
            Ok(_) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
            Err(error) => Err(Error::unavailable(error)),
        }
    }
}

impl Thing {
    fn row_key(&self) -> Key {
        match self {
            Self::Member(user) => keys::member(user).key,
            Self::Invitation(id) => keys::invitation(*id).key,
            Self::JoinCode(id) => keys::join_code(*id).key,
            Self::Workspace(id) => keys::workspace(*id).key,
            Self::Token(key) => keys::token(key).key,
        }
    }

    /// Adds to `step` what is removed with the thing; `value` is its row.
    fn gather(self, organization: OrganizationId, value: &[u8], step: &mut Step) -> Result<(), Error> {
        match self {
            Self::Member(user) => {
                let row: MemberRow = rows::decode(value)?;
                for address in [row.email, row.username].into_iter().flatten() {
                    step.rows.insert(keys::address(&address.normal()).key);
                }
                if let Some(intent) = row.owned {
                    step.entries.push((IndexEntry::Owned(user.clone()), intent));
                }
                step.entries.push((IndexEntry::Membership(user.clone(), row.joined_at), row.intent));
                // A cache may remember that the user has several organizations, which may not be so any more.
                step.notices.push(Change::Member(organization, user));
            }
            Self::Invitation(id) => {
                let row: InvitationRow = rows::decode(value)?;
                let normal = row.address.normal();
                step.issued.extend(Issued::Invitation(id).by(&row.invited_by));
                step.rows.insert(keys::address(&normal).key);
                step.entries.push((IndexEntry::Invitation(normal.clone(), id), row.intent));
                step.entries.push((IndexEntry::Invited(normal, id), row.intent));
            }
            Self::JoinCode(id) => {
                let row: JoinCodeRow = rows::decode(value)?;
                step.issued.extend(Issued::JoinCode(id).by(&row.created_by));
                step.rows.insert(keys::join_code_uses(id));
                step.entries.extend(row.code.map(|code| (IndexEntry::JoinCode(code, id), Intent::default())));
            }
            Self::Workspace(_) => {
                let row: WorkspaceRow = rows::decode(value)?;
                step.rows.insert(workspaces::name_key(&row.name).key);
            }
            Self::Token(key) => {
                let row: TokenRow = rows::decode(value)?;
                step.issued.extend(Issued::ApiToken(key).by(&row.created_by));
                step.rows.insert(keys::token_used(&key).key);
            }
        }
        Ok(())
    }
}
