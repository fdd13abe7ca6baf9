use serde_json::json;

use super::{Found, OrgWorkspace, name_key, require_free};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::keys,
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, WorkspaceId},
        limits,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Gives a workspace another name.
    pub struct Update {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Which workspace.
        pub id: WorkspaceId,
        /// 1 to 100 characters; not the name of another workspace of the organization, in whatever case.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
        pub name: String,
    }
}

impl Operation for Update {
    type Output = Found;

    const ROUTE: &'static str = "workspaces/update";
    const SUMMARY: &'static str = "Give a workspace another name";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::WorkspaceTaken];
    const EVENT: Option<&'static str> = Some("workspaces.update");

    fn check(&self, problems: &mut Violations) {
        problems.line("name", &self.name, limits::NAME_CHARS_MAX);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::workspace(self.id).key, name_key(self.name.trim()).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let key = keys::workspace(self.id);
        let name = self.name.trim();
        let name_key = name_key(name);
        let mut row = tx.get(&key).await?.ok_or_else(|| Error::not_found("workspace"))?;
        if row.name != name {
            let former_key = super::name_key(&row.name);
            if former_key.key != name_key.key {
                require_free(tx, &name_key).await?;
                tx.delete(&former_key);
                tx.put(&name_key, &self.id)?;
            }
            let details = json!({ "from": row.name, "to": name });
            name.clone_into(&mut row.name);
            row.updated_at = tx.now;
            tx.put(&key, &row)?;
            tx.record(Some(self.id.to_string()), &details)?;
        }
        Ok(Found { workspace: OrgWorkspace::new(self.id, self.organization_id, row) })
    }
}
