//! API tokens.

use super::output;
use crate::{
    access::registry::Registry,
    rows::{TokenRow, UsedRow},
    secret::ApiTokenSecret,
    values::{
        clock::Timestamp,
        principal::Principal,
        rate_limit::RateLimit,
        token_key::{Environment, TokenKey},
    },
};

output! {
    /// An API token, without its secret.
    pub struct ApiToken {
        /// The public half, which names it.
        pub key: TokenKey,
        /// What it is for.
        pub name: Option<String>,
        /// Live or test.
        pub env: Environment,
        /// The last four characters of the secret.
        pub last_four: String,
        /// What it may do.
        pub permissions: Vec<String>,
        /// Who made it.
        pub created_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it ends; `null`: never by itself.
        pub expires_at: Option<Timestamp>,
        /// How often it may be presented; `null`: without limit.
        pub rate_limit: Option<RateLimit>,
        /// When it was last used, to the minute; `null`: never.
        pub last_used_at: Option<Timestamp>,
        /// When it was revoked.
        pub revoked_at: Option<Timestamp>,
        /// The secret before the present one, while it still works.
        pub previous_secret: Option<PreviousSecret>,
    }

    /// The secret of an API token that another one has replaced, and that works for a while yet.
    pub struct PreviousSecret {
        /// Its last four characters.
        pub last_four: String,
        /// Until when it works.
        pub valid_until: Timestamp,
        /// When it was last used, to the minute; `null`: never.
        pub last_used_at: Option<Timestamp>,
    }

    /// An API token that was just made. Its secret is shown this once.
    pub struct ApiTokenCreated {
        /// The public half.
        pub key: TokenKey,
        /// The secret half.
        pub secret: String,
        /// The last four characters of the secret.
        pub last_four: String,
        /// What to send as `Authorization: Bearer …`: `<key>:<secret>`.
        pub bearer: String,
    }
}

impl ApiTokenCreated {
    pub(crate) fn new(key: TokenKey, secret: &ApiTokenSecret) -> Self {
        let last_four = secret.last_four();
        let secret = secret.plain().expose().to_owned();
        let bearer = format!("{key}:{secret}");
        Self { key, secret, last_four, bearer }
    }
}

impl ApiToken {
    pub(crate) fn new(key: TokenKey, row: TokenRow, used: &UsedRow, registry: &Registry, now: Timestamp) -> Self {
        let previous_secret = row.overlapping(now).map(|previous| PreviousSecret {
            last_four: previous.last_four.clone(),
            valid_until: previous.valid_until,
            last_used_at: used.by(&previous.secret),
        });
        Self {
            key,
            previous_secret,
            name: row.name,
            env: key.environment(),
            last_four: row.last_four,
            permissions: registry.registered(&row.permissions),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            rate_limit: row.rate_limit,
            last_used_at: used.last,
            revoked_at: row.revoked_at,
        }
    }
}
