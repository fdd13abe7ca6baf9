//! The row of the roles that an organization defined for itself.

use serde::{Deserialize, Serialize};

use crate::values::{clock::Timestamp, role::RoleName};

/// The roles that an organization defined for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RolesRow {
    /// In the order of their numbers.
    pub(crate) own: Vec<OwnRoleRow>,
    /// The last number that was given; none is given twice.
    pub(crate) numbers_given: u64,
}

/// A role that an organization defined for itself. [`keys::role_holders`](super::keys::role_holders) counts who has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnRoleRow {
    pub(crate) number: u64,
    pub(crate) name: RoleName,
    pub(crate) permissions: Vec<String>,
    pub(crate) description: String,
    /// If the role was deleted: the role that everybody who still bears this name has instead.
    pub(crate) replaced_by: Option<RoleName>,
    pub(crate) created_at: Timestamp,
}
