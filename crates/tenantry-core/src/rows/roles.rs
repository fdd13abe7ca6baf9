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

/// A role of an organization's own. How many bear its name is a counter of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnRoleRow {
    pub(crate) number: u64,
    pub(crate) name: RoleName,
    pub(crate) permissions: Vec<String>,
    pub(crate) description: String,
    /// The role was deleted, and whoever still bears its name has this one.
    pub(crate) replaced_by: Option<RoleName>,
    pub(crate) created_at: Timestamp,
}
