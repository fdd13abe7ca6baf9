use super::unrevoked;
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::roles::require_permissions,
    rows::{PreviousSecretRow, TokenRow, UsedRow, keys},
    store::{Key, change::Change},
    values::{
        clock::Timestamp,
        edit::Edit,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        rate_limit::RateLimit,
        token_key::TokenKey,
        validate::Violations,
    },
    wire::{ApiToken, input, output},
};

input! {
    /// Changes an API token. What is absent stays, and so does what is `null`, but for `expiresAt` and `rateLimit`: `null`
    /// takes those away. An API token that ends lets none live longer than itself, and gives no permission to one that
    /// does; it may shorten and narrow any.
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
        /// When it ends; `null`: never by itself. The caller must hold all that it may do.
        #[serde(default, skip_serializing_if = "Edit::is_keep")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Timestamp>))]
        pub expires_at: Edit<Timestamp>,
        /// How often it may be presented, to each node of the service; `null`: without limit. A token does not change
        /// its own.
        #[serde(default, skip_serializing_if = "Edit::is_keep")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<RateLimit>))]
        pub rate_limit: Edit<RateLimit>,
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
        problems.rate_limit("rateLimit", self.rate_limit.value());
        problems.expiry("expiresAt", self.expires_at.value().copied());
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
        self.expires_at.apply(&mut row.expires_at);
        self.rate_limit.apply(&mut row.rate_limit);
        if let Some(previous) = row.previous.take() {
            // If the token's new end cuts the overlap short, it stays short, even if the token's life is extended
            // later.
            let valid_until = row.no_later(previous.valid_until);
            row.previous = Some(PreviousSecretRow { valid_until, ..previous });
        }
        if row.rate_limit != before.rate_limit && matches!(tx.caller, Caller::Token(caller) if caller.key == self.key) {
            let detail = "an API token does not change its own rate limit: let a member do it";
            return Err(Error::new(ErrorKind::Forbidden, detail));
        }
        require_right(tx, &before, &row)?;
        if row != before {
            tx.put(&keys::token(&self.key), &row)?;
            tx.changed(Change::Token(self.key), Some(self.key.to_string()), &row.details())?;
        }
        let used: Vec<Option<UsedRow>> = tx.peek(&[keys::token_used(&self.key).key]).await?;
        let used = used.into_iter().flatten().next().unwrap_or_default();
        Ok(Updated { api_token: ApiToken::new(self.key, row, &used, tx.registry(), tx.now) })
    }
}

/// Refuses a caller who may not grant what the change adds. A longer life is a grant, too.
fn require_right(tx: &Transaction<'_>, before: &TokenRow, after: &TokenRow) -> Result<(), Error> {
    if (&after.permissions, after.expires_at) == (&before.permissions, before.expires_at) {
        return Ok(());
    }
    let [held, granted] = [before, after].map(|row| tx.registry().set(row.permissions.iter().map(String::as_str)));
    tx.authority.may_grant_permissions(tx.registry(), &granted)?;
    if before.expires_at.is_some_and(|former| after.expires_at.is_none_or(|end| end > former)) {
        tx.authority.may_grant_until("expiresAt", after.expires_at)?;
    }
    if granted.minus(&held).is_empty() { Ok(()) } else { tx.authority.may_grant_until("permissions", after.expires_at) }
}
