use serde_json::json;

use super::{Found, OrgWorkspace, name_key, require_free};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{WorkspaceRow, index, keys},
    store::{Add, Key},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, WorkspaceId},
        limits,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Creates a workspace.
    pub struct Create {
        /// In which organization.
        pub organization_id: OrganizationId,
        /// 1 to 100 characters; not the name of another workspace of the organization, in whatever case.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
        pub name: String,
    }
}

impl Operation for Create {
    type Output = Found;

    const ROUTE: &'static str = "workspaces/create";
    const SUMMARY: &'static str = "Create a workspace";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::WorkspaceTaken, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("workspaces.create");

    fn check(&self, problems: &mut Violations) {
        problems.line("name", &self.name, limits::NAME_CHARS_MAX);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![name_key(self.name.trim()).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let name = self.name.trim();
        let name_key = name_key(name);
        require_free(tx, &name_key).await?;
        let id = WorkspaceId::new(tx.now, tx.entropy())?;
        let number = tx.next_number(index::WORKSPACES).await?;
        let row = WorkspaceRow { number, name: name.to_owned(), created_at: tx.now, updated_at: tx.now };
        // The commit counts without a read, so that new workspaces with different names never conflict.
        let beyond = format!("an organization has at most {} workspaces: delete one first", limits::WORKSPACES_MAX);
        let add = Add { key: keys::workspaces(), by: 1, min: None, max: Some(limits::WORKSPACES_MAX.into()) };
        tx.add(add, Error::invalid_field("name", "too_many", beyond));
        tx.put(&keys::workspace(id), &row)?;
        tx.put(&name_key, &id)?;
        tx.index(index::WORKSPACES, id.to_base62(), Some(number));
        tx.record(Some(id.to_string()), &json!({ "name": row.name }))?;
        Ok(Found { workspace: OrgWorkspace::new(id, self.organization_id, row) })
    }
}
