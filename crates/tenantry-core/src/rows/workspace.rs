//! The rows of workspaces.

use serde::{Deserialize, Serialize};

use crate::values::clock::Timestamp;

/// A workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkspaceRow {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}
