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
    /// The intent of the attempt that wrote the membership's entry in the user's shard.
    pub(crate) intent: Intent,
    /// The intent of the attempt that wrote the entry in the user's shard that counts this organization among those
    /// that they own; `None` if they do not own it.
    #[serde(default)]
    pub(crate) owned: Option<Intent>,
    /// Each at most once. A workspace that was deleted may still be listed; see `operations/workspaces`.
    #[serde(default)]
    pub(crate) workspaces: Vec<WorkspaceId>,
    /// When the profile was last written; `None`: when they joined. See `operations/members/profile.rs`.
    #[serde(default)]
    pub(crate) profile_at: Option<Timestamp>,
}

/// Which members and which open invitation of an organization have an address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AddressRow {
    /// Usually one; an identity provider may vouch for the same address to several users.
    pub(crate) members: Vec<UserId>,
    pub(crate) invitation: Option<InvitationId>,
}
