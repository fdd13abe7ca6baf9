//! Members.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{output, ranked};
use crate::{
    access::roles::Roles,
    rows::{InvitationRow, MemberRow},
    values::{
        clock::Timestamp,
        ids::{UserId, WorkspaceId},
        role::RoleName,
    },
};

output! {
    /// A member of an organization, or somebody who is invited to become one.
    pub struct OrgMember {
        /// The user; `null` for an invitation.
        pub user_id: Option<UserId>,
        /// A number for people, never reused in this organization: the member's, or the invitation's.
        pub number: u64,
        /// Username.
        pub username: Option<String>,
        /// E-mail address.
        pub email: Option<String>,
        /// Name.
        pub name: Option<String>,
        /// Where their picture is.
        pub avatar_url: Option<String>,
        /// The highest of the roles.
        pub role: RoleName,
        /// All roles, from the highest to the lowest.
        pub roles: Vec<RoleName>,
        /// The workspaces that the member is assigned to, in the order of their creation.
        pub workspaces: Vec<WorkspaceId>,
        /// When they joined; `null` for an invitation.
        pub joined_at: Option<Timestamp>,
        /// Member or invited.
        pub status: MemberStatus,
    }
}

/// Whether somebody is a member or is invited to become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// A member.
    Active,
    /// Invited.
    Pending,
}

impl OrgMember {
    /// Shows those of the member's workspaces that are in `living`, in the order of their numbers.
    pub(crate) fn member(
        user: UserId,
        number: u64,
        row: MemberRow,
        known: &Roles,
        living: &BTreeMap<WorkspaceId, u64>,
    ) -> Self {
        let (role, roles) = ranked(known, row.roles);
        let mut workspaces = row.workspaces;
        workspaces.retain(|workspace| living.contains_key(workspace));
        workspaces.sort_by_key(|workspace| living.get(workspace));
        Self {
            user_id: Some(user),
            number,
            username: row.username.map(|username| username.to_string()),
            email: row.email.map(|email| email.to_string()),
            name: row.name,
            avatar_url: row.avatar_url,
            role,
            roles,
            workspaces,
            joined_at: Some(row.joined_at),
            status: MemberStatus::Active,
        }
    }

    pub(crate) fn invited(row: InvitationRow, known: &Roles) -> Self {
        let (role, roles) = ranked(known, row.roles);
        Self {
            user_id: None,
            number: row.number,
            username: row.address.as_username().map(str::to_owned),
            email: row.address.as_email().map(str::to_owned),
            name: row.name,
            avatar_url: None,
            role,
            roles,
            workspaces: Vec::new(),
            joined_at: None,
            status: MemberStatus::Pending,
        }
    }
}
