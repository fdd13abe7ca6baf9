//! Audit events: what was changed, by whom. Each is written in the same commit as the change that it records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    caller::Principal,
    clock::Timestamp,
    engine::Engine,
    error::Error,
    ids::OrganizationId,
    rows::{self, AUDIT, shards},
};

/// One change of one organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// How an event is kept: its number is its place in the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub(crate) at: Timestamp,
    pub(crate) actor: Principal,
    pub(crate) action: String,
    pub(crate) target: Option<String>,
    /// JSON as text; empty for `null`.
    pub(crate) details: String,
}

impl Engine {
    /// The events of an organization that precede number `before` (or all), newest first, at most `limit`.
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
                let details = if details.is_empty() {
                    Value::Null
                } else {
                    serde_json::from_str(&details).map_err(Error::internal)?
                };
                Ok(AuditEvent { number, at, actor, action, target, details })
            })
            .collect()
    }
}
