use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging::Page,
    rows::{TokenRow, UsedRow, index, keys},
    store::Order,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        token_key::TokenKey,
        validate::Violations,
    },
    wire::{ApiToken, input, output},
};

input! {
    /// Lists the API tokens of an organization.
    pub struct List {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// Where the list goes on: the last answer's `nextCursor`.
        pub cursor: Option<String>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// API tokens, newest first, the revoked ones too.
    pub struct Listed {
        /// The tokens, without their secrets.
        pub api_tokens: Vec<ApiToken>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "tokens/list";
    const SUMMARY: &'static str = "List the API tokens of an organization";
    const NEEDS: Needs = Needs::Permission(Permission::TOKENS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Listed, Error> {
        let list = (index::TOKENS, Order::NewestFirst, 't');
        let Page { items: tokens, next_cursor } = tx
            .page(list, self.cursor.as_deref(), self.limit, |key| TokenKey::from_short(self.organization_id, key))
            .await?;
        let keys: Vec<_> = tokens.iter().map(|key| keys::token(key).key).collect();
        let used_keys: Vec<_> = tokens.iter().map(|key| keys::token_used(key).key).collect();
        let (registry, now) = (tx.registry(), tx.now);
        let rows: Vec<Option<TokenRow>> = tx.peek(&keys).await?;
        let used: Vec<Option<UsedRow>> = tx.peek(&used_keys).await?;
        let api_tokens = tokens
            .into_iter()
            .zip(rows.into_iter().zip(used))
            .filter_map(|(key, (row, used))| Some(ApiToken::new(key, row?, &used.unwrap_or_default(), registry, now)))
            .collect();
        Ok(Listed { api_tokens, next_cursor })
    }
}
