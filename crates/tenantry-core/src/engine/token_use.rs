//! Records when an API token was last used: at most once a minute for each of its secrets.
//!
//! Every use counts, wherever the token was presented: to the layer, to an operation, or to a service that introspects
//! it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    access::{
        authority,
        caller::{Caller, Presented},
        tenant_access::TenantAccess,
    },
    engine::{Engine, resolve::exactly},
    rows::{self, TokenRow, UsedRow, keys, shards},
    secret::Hashed,
    store::{Check, CommitError, Shard, Txn},
    values::{clock::Timestamp, error::Error, limits},
};

/// A use of an API token, for [`Engine::note`] to record.
pub struct TokenUse {
    shard: Shard,
    txn: Txn,
}

impl Engine {
    /// Resolves an API token by one read of one shard. Also answers its use, unless one of the same secret was recorded
    /// within the last minute.
    ///
    /// # Errors
    /// As [`Engine::resolve`](Engine::resolve).
    pub async fn resolve_use(&self, presented: &Presented) -> Result<(TenantAccess, Option<TokenUse>), Error> {
        let caller = Caller::Token(presented.clone());
        let [organization, token, roles] = authority::keys(&caller);
        let used = keys::token_used(&presented.key).key;
        let shard = shards::organization(presented.key.organization());
        let values = self.store().read(&shard, &[organization, token, roles, used]).await?;
        let [organization, token, roles, used] = exactly(values)?;
        let now = self.clock().now();
        let tenant = self.decided(&caller, presented.key.organization(), &[organization, token.clone(), roles], now)?;
        let txn = worth_a_note(presented, token, used, now)?;
        Ok((tenant, txn.map(|txn| TokenUse { shard, txn })))
    }

    /// Records that an API token was presented to an operation: at most one read and one commit a minute.
    pub(crate) async fn note_presented(&self, presented: &Presented) -> Result<(), Error> {
        if !self.recent_uses().is_new(presented, self.clock().elapsed()) {
            return Ok(());
        }
        let keys = [keys::token(&presented.key).key, keys::token_used(&presented.key).key];
        let shard = shards::organization(presented.key.organization());
        let [token, used] = exactly(self.store().read(&shard, &keys).await?)?;
        match worth_a_note(presented, token, used, self.clock().now())? {
            Some(txn) => self.note(TokenUse { shard, txn }).await,
            None => Ok(()),
        }
    }

    /// Records that an API token is in use.
    ///
    /// For the layer to call in the background: nothing waits for it, and nothing depends on it.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn note(&self, used: TokenUse) -> Result<(), Error> {
        match self.store().commit(&used.shard, &used.txn).await {
            // In a conflict, somebody else has just noted a use, or the token is gone with its organization.
            Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
            Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => Err(error.into()),
        }
    }
}

/// The transaction that records a use of the token with these rows; `None` if a use of the same secret was recorded
/// within the last minute.
fn worth_a_note(
    presented: &Presented,
    kept_token: Option<Bytes>,
    kept_used: Option<Bytes>,
    now: Timestamp,
) -> Result<Option<Txn>, Error> {
    let mut used: UsedRow = kept_used.as_deref().map(rows::decode).transpose()?.unwrap_or_default();
    if used.by(&presented.secret).is_some_and(|noted| now.since(noted) < limits::LAST_USED_GRANULARITY) {
        return Ok(None);
    }
    let token: Option<TokenRow> = kept_token.as_deref().map(rows::decode).transpose()?;
    let Some(token) = token else { return Ok(None) };
    let kept = |secret: &Hashed| {
        *secret == token.secret || token.overlapping(now).is_some_and(|previous| previous.secret == *secret)
    };
    // The secret works no more: the very request that presented it may have rotated the token.
    if !kept(&presented.secret) {
        return Ok(None);
    }
    used.secrets.retain(|(secret, _)| kept(secret) && *secret != presented.secret);
    used.secrets.push((presented.secret.clone(), now));
    used.last = Some(now);
    let key = keys::token_used(&presented.key).key;
    let puts = vec![(key.clone(), rows::encode_over(&used, kept_used.as_deref())?)];
    let checks =
        vec![Check { key: keys::token(&presented.key).key, expected: kept_token }, Check { key, expected: kept_used }];
    Ok(Some(Txn { checks, puts, ..Txn::default() }))
}

/// Which API tokens were presented to operations of this node within the last minute.
#[derive(Debug, Default)]
pub(crate) struct RecentUses(Mutex<HashMap<Presented, Duration>>);

impl RecentUses {
    /// Whether this token and secret were not presented within the last minute; remembers that they are now. `now` is
    /// [`Clock::elapsed`](crate::values::clock::Clock::elapsed).
    fn is_new(&self, presented: &Presented, now: Duration) -> bool {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.get(presented).is_some_and(|at| now.saturating_sub(*at) < limits::LAST_USED_GRANULARITY) {
            return false;
        }
        if uses.len() >= limits::RECENT_USES_MAX {
            uses.retain(|_, at| now.saturating_sub(*at) < limits::LAST_USED_GRANULARITY);
        }
        // A token that finds no room here costs a read of the store at each use.
        if uses.len() < limits::RECENT_USES_MAX {
            uses.insert(presented.clone(), now);
        }
        true
    }
}

impl fmt::Debug for TokenUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenUse").field("shard", &self.shard).finish_non_exhaustive()
    }
}
