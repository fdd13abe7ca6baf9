//! What is left of an organization that was deleted, and how it goes.
//!
//! 1. Deleting is one commit: the organization's row makes way for a [`GoneRow`]. Every decision and every entry is
//!    confirmed by the organization's row, so it is gone for everyone from then on, whatever else is still there.
//! 2. A job removes the rest in steps of at most [`limits::REMOVAL_STEP_MAX`] things: what stands in the shards of
//!    others first, then, in one commit, the rows that know of it. What is left to do is what the indexes hold. So a
//!    step that was interrupted is simply done again, and nothing is forgotten.
//! 3. When nothing is left but other jobs, which the host is still to be told of, it waits for them. Then it tells the
//!    host, leaves a trace in the log of the platform, and the commit that ends the job drops the last rows.
//!
//! What the store forgets by itself (closed invitations, answers to idempotency keys, fences) is left to it.

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

/// The indexes by which the things of an organization are found.
const INDEXES: [Index; 5] = [index::MEMBERS, index::INVITATIONS, index::JOIN_CODES, index::WORKSPACES, index::TOKENS];

/// A thing of an organization, as its index names it.
enum Thing {
    Member(UserId),
    Invitation(InvitationId),
    JoinCode(JoinCodeId),
    Workspace(WorkspaceId),
    Token(TokenKey),
}

/// Some of what is to be removed.
#[derive(Default)]
struct Step {
    entries: Vec<(IndexEntry, Intent)>,
    rows: BTreeSet<Key>,
    issued: Vec<Entry>,
    notices: Vec<Change>,
}

/// A deletion under way: the row that says so, which nothing but its end changes.
struct Removal<'a> {
    engine: &'a Engine,
    organization: OrganizationId,
    kept: Bytes,
    gone: GoneRow,
}

impl Engine {
    /// Comes further with what follows from the deletion of an organization; `job` is the one that does it.
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
    /// Removes members, invitations, codes, workspaces and tokens, and first of all what leads to the organization from outside.
    /// Whether nothing of it is left.
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

    /// Removes the first things of an index. Whether there were any.
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

    /// Removes the organization's own roles, and the counters of what is gone by now.
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

    /// Writes the deletion into the log of the platform, once: the organization's own log goes with it.
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

    /// What ends the job, and everything.
    fn end(&self) -> Txn {
        let deletes = vec![keys::gone().key, Range::counter(index::JOBS)];
        Txn { ends_shard: Some(limits::CLOSED_INVITATION_LIFETIME), deletes, log_drops: vec![AUDIT], ..self.txn() }
    }

    /// A commit that is made while the deletion is under way, and never after its end.
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

    /// Adds what goes with the thing, whose row is `value`.
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
                // Of a user who had several organizations it may have been said so.
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
