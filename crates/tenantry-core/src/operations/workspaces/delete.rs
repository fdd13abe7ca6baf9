use serde_json::json;

use super::name_key;
use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{index, keys},
    store::Add,
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, WorkspaceId},
    },
    wire::{Done, input},
};

input! {
    /// Deletes a workspace. Nobody is assigned to it any more; the members themselves stay.
    pub struct Delete {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which workspace.
        pub id: WorkspaceId,
    }
}

impl Operation for Delete {
    type Output = Done;

    const ROUTE: &'static str = "workspaces/delete";
    const SUMMARY: &'static str = "Delete a workspace";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("workspaces.delete");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let key = keys::workspace(self.id);
        let row = tx.get(&key).await?.ok_or_else(|| Error::not_found("workspace"))?;
        tx.delete(&key);
        tx.delete(&name_key(&row.name));
        tx.unindex(index::WORKSPACES, self.id.to_base62());
        let unbounded = Error::internal("a counter without bounds was said to leave them");
        tx.add(Add { key: keys::workspaces(), by: -1, min: None, max: None }, unbounded);
        tx.record(Some(self.id.to_string()), &json!({ "name": row.name }))?;
        Ok(Done { ok: true })
    }
}
