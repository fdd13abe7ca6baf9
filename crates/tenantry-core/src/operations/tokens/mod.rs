//! API tokens, which an organization owns.

mod create;
mod introspect;
mod list;
pub(crate) mod revoke;
mod rotate;
mod update;

use serde_json::{Value, json};

use crate::{
    engine::transaction::Transaction,
    rows::{TokenRow, keys},
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        token_key::TokenKey,
    },
};

pub use create::{Create, Created};
pub use introspect::{Introspect, Introspection};
pub use list::{List, Listed};
pub use revoke::Revoke;
pub use rotate::Rotate;
pub use update::{Update, Updated};

impl TokenRow {
    /// This moment, or the token's own end if that comes first.
    fn no_later(&self, moment: Timestamp) -> Timestamp {
        self.expires_at.map_or(moment, |end| end.min(moment))
    }

    /// The details of an audit event about a token that was made or changed.
    fn details(&self) -> Value {
        let Self { name, permissions, expires_at, rate_limit, .. } = self;
        json!({ "name": name, "permissions": permissions, "expiresAt": expires_at, "rateLimit": rate_limit })
    }
}

/// The row of a token of this organization; refuses one that was revoked.
async fn unrevoked(tx: &mut Transaction<'_>, home: OrganizationId, key: &TokenKey) -> Result<TokenRow, Error> {
    if key.organization() != home {
        return Err(Error::not_found("API token"));
    }
    let row = tx.get(&keys::token(key)).await?.ok_or_else(|| Error::not_found("API token"))?;
    if row.revoked_at.is_some() {
        return Err(Error::new(ErrorKind::Revoked, "the API token was revoked: make a new one"));
    }
    Ok(row)
}
