//! The rows of join codes.

use serde::{Deserialize, Serialize};

use super::{Intent, words};
use crate::{
    secret::Hashed,
    values::{
        clock::Timestamp,
        ids::{JoinCodeId, OrganizationId},
        principal::Principal,
        role::RoleName,
    },
};

/// A join code. How often it was used is a counter of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JoinCodeRow {
    #[serde(with = "words::role")]
    pub(crate) role: RoleName,
    pub(crate) max_uses: Option<u32>,
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(with = "words::principal")]
    pub(crate) created_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) hint: String,
    /// The hash of the code, which names the entry in the code's shard.
    #[serde(default)]
    pub(crate) code: Option<Hashed>,
}

/// In a join code's shard: the organization that has the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JoinCodeEntryRow {
    pub(crate) organization: OrganizationId,
    pub(crate) code: JoinCodeId,
    pub(crate) intent: Intent,
}

/// In a user's shard: how many wrong join codes they tried, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttemptsRow {
    pub(crate) since: Timestamp,
    pub(crate) count: u32,
}
