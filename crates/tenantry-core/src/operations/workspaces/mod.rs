//! Workspaces: named parts of an organization, to which members are assigned.
//!
//! 1. A name is unique in its organization, whatever its case: a row under the name's normal form says which workspace
//!    has it.
//! 2. A member's row lists the member's workspaces. Deleting a workspace changes no member's row, so it costs the same
//!    however many members are assigned to it. Whoever shows a member leaves out the deleted workspaces, and the row
//!    loses them when the member is next assigned. An id is never given twice, so it cannot come to mean another
//!    workspace.

mod create;
mod delete;
mod list;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::transaction::Transaction,
    rows::{MemberRow, RowKey, WorkspaceRow, index, keys},
    secret::Hashed,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        folded_text,
        ids::{OrganizationId, WorkspaceId},
    },
    wire::output,
};

pub use create::Create;
pub use delete::Delete;
pub use list::{List, Listed};
pub use update::Update;

output! {
    /// A named part of an organization.
    pub struct OrgWorkspace {
        /// Its id.
        pub id: WorkspaceId,
        /// A number for people, never reused in this organization.
        pub number: u64,
        /// The organization that it is a part of.
        pub organization_id: OrganizationId,
        /// Its name.
        pub name: String,
        /// When it was created.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Timestamp,
    }
}

output! {
    /// A workspace as it is now.
    pub struct Found {
        /// The workspace.
        pub workspace: OrgWorkspace,
    }
}

impl OrgWorkspace {
    fn new(id: WorkspaceId, organization_id: OrganizationId, row: WorkspaceRow) -> Self {
        let WorkspaceRow { number, name, created_at, updated_at } = row;
        Self { id, number, organization_id, name, created_at, updated_at }
    }
}

/// The row that says which workspace has the name.
pub(crate) fn name_key(name: &str) -> RowKey<WorkspaceId> {
    keys::workspace_name(&Hashed::of(&folded_text::folded(name)))
}

/// Refuses a name that a workspace of the organization has; `key` is the row for the name.
async fn require_free(tx: &mut Transaction<'_>, key: &RowKey<WorkspaceId>) -> Result<(), Error> {
    match tx.get(key).await? {
        None => Ok(()),
        Some(_) => {
            Err(Error::new(ErrorKind::WorkspaceTaken, "another workspace has this name: choose another, or rename it"))
        }
    }
}

/// Refuses unless all of `asked`, which the request has in `field`, are workspaces of this organization. The commit
/// checks it again.
pub(crate) async fn require_known(tx: &mut Transaction<'_>, field: &str, asked: &[WorkspaceId]) -> Result<(), Error> {
    tx.load(asked.iter().map(|id| keys::workspace(*id).key)).await?;
    for (place, id) in asked.iter().enumerate() {
        if tx.get(&keys::workspace(*id)).await?.is_none() {
            return Err(Error::not_found("workspace").about(&format!("{field}[{place}]"), "unknown"));
        }
    }
    Ok(())
}

/// The workspaces of these members that still exist, with their numbers, to be shown: one round trip, or none if nobody
/// has any.
pub(crate) async fn living<'a>(
    tx: &Transaction<'_>,
    members: impl IntoIterator<Item = &'a MemberRow>,
) -> Result<BTreeMap<WorkspaceId, u64>, Error> {
    let assigned: BTreeSet<_> = members.into_iter().flat_map(|member| member.workspaces.iter().copied()).collect();
    let keys: Vec<_> = assigned.iter().map(WorkspaceId::to_base62).collect();
    let numbers = tx.numbers(index::WORKSPACES, &keys).await?;
    Ok(assigned.into_iter().zip(numbers).filter_map(|(id, number)| Some((id, number?))).collect())
}
