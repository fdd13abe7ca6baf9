//! The rows of API tokens.

use serde::{Deserialize, Serialize};

use super::words;
use crate::{
    secret::Hashed,
    values::{clock::Timestamp, principal::Principal, rate_limit::RateLimit},
};

/// An API token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    pub(crate) name: Option<String>,
    pub(crate) secret: Hashed,
    pub(crate) last_four: String,
    pub(crate) permissions: Vec<String>,
    #[serde(with = "words::principal")]
    pub(crate) created_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    /// The secret that the present one has replaced, if that one was to work for a while longer.
    #[serde(default)]
    pub(crate) previous: Option<PreviousSecretRow>,
    #[serde(default)]
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The secret of an API token that another one has replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviousSecretRow {
    pub(crate) secret: Hashed,
    pub(crate) last_four: String,
    /// From then on the secret is refused.
    pub(crate) valid_until: Timestamp,
}

impl TokenRow {
    /// The previous secret, if it still works.
    pub(crate) fn overlapping(&self, now: Timestamp) -> Option<&PreviousSecretRow> {
        self.previous.as_ref().filter(|previous| previous.valid_until > now)
    }
}

/// When an API token was last used, by any secret and by each of those that it has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsedRow {
    pub(crate) last: Option<Timestamp>,
    pub(crate) secrets: Vec<(Hashed, Timestamp)>,
}

impl UsedRow {
    /// When the token was last used by that secret.
    pub(crate) fn by(&self, secret: &Hashed) -> Option<Timestamp> {
        self.secrets.iter().find(|(used, _)| used == secret).map(|(_, at)| *at)
    }
}
