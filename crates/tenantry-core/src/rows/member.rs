//! The rows of members.

use serde::{Deserialize, Serialize};

use super::{Intent, words};
use crate::values::{
    address::Address,
    clock::Timestamp,
    ids::{InvitationId, UserId, WorkspaceId},
    role::RoleName,
};

/// A member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    #[serde(with = "words::roles")]
    pub(crate) roles: Vec<RoleName>,
    pub(crate) email: Option<Address>,
    pub(crate) username: Option<Address>,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) joined_at: Timestamp,
    /// The entry in the user's shard that tells of this membership.
    pub(crate) intent: Intent,
    /// The entry in the user's shard that counts this organization among those that they own.
    #[serde(default)]
    pub(crate) owned: Option<Intent>,
    /// Each once. One that was deleted may still be among them; see `operations/workspaces`.
    #[serde(default)]
    pub(crate) workspaces: Vec<WorkspaceId>,
    /// When the profile was last written; `None`: when they joined. See `operations/members/profile.rs`.
    #[serde(default)]
    pub(crate) profile_at: Option<Timestamp>,
}

/// Who is at an address, seen from one organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AddressRow {
    /// Usually one; an identity provider may vouch for the same address to several users.
    pub(crate) members: Vec<UserId>,
    pub(crate) invitation: Option<InvitationId>,
}
