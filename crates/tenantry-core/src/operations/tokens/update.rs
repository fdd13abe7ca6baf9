use serde_json::json;

use super::unrevoked;
use crate::{
    caller::Caller,
    change::Change,
    clock::Timestamp,
    error::{Error, ErrorKind},
    ids::OrganizationId,
    limits,
    operation::{Locate, Needs, Operation},
    operations::{input, output, roles::require_permissions},
    permission::Permission,
    rows::{UsedRow, keys},
    secret::TokenKey,
    store::Key,
    transaction::Transaction,
    validate::Violations,
    view::ApiToken,
};

input! {
    /// Changes an API token. What is absent stays.
    pub struct Update {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which token, by its public half.
        pub key: TokenKey,
        /// What it is for, at most 100 characters; an empty text clears it.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
        /// Exactly what it may do from now on; the caller must hold all of it.
        #[cfg_attr(feature = "openapi", schema(max_items = 256))]
        pub permissions: Option<Vec<String>>,
        /// When it ends; the caller must hold all that it may do.
        pub expires_at: Option<Timestamp>,
    }
}

output! {
    /// The token as it is now.
    pub struct Updated {
        /// The token, without its secret.
        pub api_token: ApiToken,
    }
}

impl Operation for Update {
    type Output = Updated;

    const ROUTE: &'static str = "tokens/update";
    const SUMMARY: &'static str = "Change an API token";
    const NEEDS: Needs = Needs::Permission(Permission::TOKENS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::GrantExceedsOwn, ErrorKind::Revoked];
    const EVENT: Option<&'static str> = Some("tokens.update");

    fn check(&self, problems: &mut Violations) {
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
        problems.permissions(self.permissions.as_deref());
        problems.expiry("expiresAt", self.expires_at);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::token(&self.key).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Updated, Error> {
        let mut row = unrevoked(tx, self.organization_id, &self.key).await?;
        let before = row.clone();
        if let Some(name) = &self.name {
            row.name = Some(name.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
        }
        if let Some(asked) = &self.permissions {
            row.permissions = tx.registry().names(&require_permissions(tx.registry(), asked)?);
        }
        row.expires_at = self.expires_at.or(row.expires_at);
        if (&row.permissions, row.expires_at) != (&before.permissions, before.expires_at) {
            // A longer life is a grant too.
            let granted = tx.registry().set(row.permissions.iter().map(String::as_str));
            tx.authority.may_grant_permissions(tx.registry(), &granted)?;
        }
        if row != before {
            tx.put(&keys::token(&self.key), &row)?;
            let details = json!({ "name": row.name, "permissions": row.permissions, "expiresAt": row.expires_at });
            tx.changed(Change::Token(self.key), Some(self.key.to_string()), &details)?;
        }
        let used: Vec<Option<UsedRow>> = tx.peek(&[keys::token_used(&self.key).key]).await?;
        let used = used.into_iter().flatten().next().unwrap_or_default();
        Ok(Updated { api_token: ApiToken::new(self.key, row, &used, tx.now) })
    }
}
