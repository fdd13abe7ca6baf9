//! Audit events: what was changed, by whom. Each is written in the same commit as the change that it records.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    engine::Engine,
    rows::{self, AUDIT, GoneRow, Nested, details, shards, words},
    values::{clock::Timestamp, error::Error, ids::OrganizationId, principal::Principal},
};

/// One change of one organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEvent {
    /// Its place in the organization's log, counted from 0 without gaps.
    pub number: u64,
    /// When the change was decided.
    pub at: Timestamp,
    /// Who made it.
    pub actor: Principal,
    /// What was done, such as `members.set-role`.
    pub action: String,
    /// What it was done to: a user id, an invitation's id, a token's key, …
    pub target: Option<String>,
    /// What was changed about it. Never a secret.
    pub details: Value,
}

/// An event as it is stored. Its number is not stored: it is its place in the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub(crate) at: Timestamp,
    #[serde(with = "words::principal")]
    pub(crate) actor: Principal,
    #[serde(with = "words::action")]
    pub(crate) action: String,
    #[serde(with = "details::text")]
    pub(crate) target: Option<String>,
    #[serde(with = "details")]
    pub(crate) details: Value,
}

/// The log of the platform's shard that lists the deleted organizations.
pub(crate) const DELETIONS: &str = "deletions";

/// A deletion of an organization, the only thing that is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Deletion {
    /// The id that it had.
    pub organization: OrganizationId,
    /// The name that it had.
    pub name: String,
    /// The slug that it had.
    pub slug: String,
    /// Who deleted it.
    pub actor: Principal,
    /// When they deleted it.
    pub at: Timestamp,
}

/// Encodes a deletion for the log.
pub(crate) fn deletion(organization: OrganizationId, gone: &GoneRow) -> Result<Bytes, Error> {
    let GoneRow { organization: Nested { row, .. }, by, at } = gone;
    let slug = row.slug.as_str().to_owned();
    rows::encode(&DeletionRow { organization, name: row.name.clone(), slug, actor: by.clone(), at: *at })
}

/// A [`Deletion`] as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct DeletionRow {
    organization: OrganizationId,
    name: String,
    slug: String,
    #[serde(with = "words::principal")]
    actor: Principal,
    at: Timestamp,
}

impl Engine {
    /// Deletions of organizations, newest first, at most `limit`: those before number `before`, or the latest ones.
    /// Deletions are numbered from 0. One appears here as soon as everything of the organization is removed.
    ///
    /// This is for the host itself: no permission is checked.
    pub async fn deletions(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Deletion)>, Error> {
        let kept = self.store().log(&shards::platform(), DELETIONS, before, limit).await?;
        let read = |bytes: &[u8]| {
            let DeletionRow { organization, name, slug, actor, at } = rows::decode(bytes)?;
            Ok::<_, Error>(Deletion { organization, name, slug, actor, at })
        };
        kept.into_iter().map(|(number, bytes)| Ok((number, read(&bytes)?))).collect()
    }

    /// Audit events of an organization, newest first, at most `limit`: those before number `before`, or the latest
    /// ones.
    ///
    /// This is for the host itself: no permission is checked.
    pub async fn audit_events(
        &self,
        organization: OrganizationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>, Error> {
        let kept = self.store().log(&shards::organization(organization), AUDIT, before, limit).await?;
        kept.into_iter()
            .map(|(number, bytes)| {
                let EventRow { at, actor, action, target, details } = rows::decode(&bytes)?;
                Ok(AuditEvent { number, at, actor, action, target, details })
            })
            .collect()
    }
}
