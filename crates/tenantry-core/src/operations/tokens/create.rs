use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{issued::Issued, roles::require_permissions},
    rows::{TokenRow, index, keys},
    secret::ApiTokenSecret,
    store::change::Change,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        rate_limit::RateLimit,
        token_key::{Environment, TokenKey},
        validate::Violations,
    },
    wire::{ApiTokenCreated, input, output},
};

input! {
    /// Makes an API token, which belongs to the organization and outlives its maker.
    pub struct Create {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// What it is for, at most 100 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
        /// `live` if absent.
        pub env: Option<Environment>,
        /// Exactly what it may do; nothing if absent.
        #[cfg_attr(feature = "openapi", schema(max_items = 256))]
        pub permissions: Option<Vec<String>>,
        /// When it ends; never by itself if absent. An API token that ends makes none that ends later.
        pub expires_at: Option<Timestamp>,
        /// How often it may be presented, to each node of the service: beyond that it gets a 429, through the layer and
        /// for operations alike. Without limit if absent.
        pub rate_limit: Option<RateLimit>,
    }
}

output! {
    /// The token that was made.
    pub struct Created {
        /// The token, with its secret, this once.
        pub api_token: ApiTokenCreated,
    }
}

impl Operation for Create {
    type Output = Created;

    const ROUTE: &'static str = "tokens/create";
    const SUMMARY: &'static str = "Make an API token";
    const NEEDS: Needs = Needs::Permission(Permission::TOKENS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::GrantExceedsOwn, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("tokens.create");

    fn check(&self, problems: &mut Violations) {
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
        problems.expiry("expiresAt", self.expires_at);
        problems.permissions(self.permissions.as_deref());
        problems.rate_limit("rateLimit", self.rate_limit.as_ref());
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Created, Error> {
        let asked = self.permissions.as_deref().unwrap_or_default();
        let permissions = require_permissions(tx.registry(), asked)?;
        tx.authority.may_grant_permissions(tx.registry(), &permissions)?;
        tx.authority.may_grant_until("expiresAt", self.expires_at)?;
        let key = TokenKey::new(self.env.unwrap_or_default(), self.organization_id, tx.entropy())?;
        let secret = ApiTokenSecret::new(tx.entropy())?;
        let row = TokenRow {
            name: self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
            secret: secret.hashed(),
            last_four: secret.last_four(),
            permissions: tx.registry().names(&permissions),
            created_by: tx.authority.principal.clone(),
            created_at: tx.now,
            expires_at: self.expires_at,
            revoked_at: None,
            previous: None,
            rate_limit: self.rate_limit,
        };
        tx.put(&keys::token(&key), &row)?;
        tx.index(index::TOKENS, key.short(), None);
        Issued::ApiToken(key).issue(tx)?;
        tx.changed(Change::Token(key), Some(key.to_string()), &row.details())?;
        Ok(Created { api_token: ApiTokenCreated::new(key, &secret) })
    }
}
