use serde_json::Value;

use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::issued::Issued,
    rows::{TokenRow, keys},
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        token_key::TokenKey,
    },
    wire::{Done, input},
};

input! {
    /// Ends an API token. One that was ended already stays so.
    pub struct Revoke {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which token, by its public half.
        pub key: TokenKey,
    }
}

impl Operation for Revoke {
    type Output = Done;

    const ROUTE: &'static str = "tokens/revoke";
    const SUMMARY: &'static str = "End an API token";
    const NEEDS: Needs = Needs::Permission(Permission::TOKENS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("tokens.revoke");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::token(&self.key).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        if self.key.organization() != self.organization_id {
            return Err(Error::not_found("API token"));
        }
        let row = tx.get(&keys::token(&self.key)).await?.ok_or_else(|| Error::not_found("API token"))?;
        if end(tx, self.key, row)? {
            tx.record(Some(self.key.to_string()), &Value::Null)?;
        }
        Ok(Done { ok: true })
    }
}

/// Ends an API token and notifies every node. Answers whether it had not ended before.
pub(crate) fn end(tx: &mut Transaction<'_>, key: TokenKey, mut row: TokenRow) -> Result<bool, Error> {
    if row.revoked_at.is_some() {
        return Ok(false);
    }
    row.revoked_at = Some(tx.now);
    Issued::ApiToken(key).end(tx, &row.created_by);
    tx.put(&keys::token(&key), &row)?;
    tx.notify(Change::Token(key));
    Ok(true)
}
