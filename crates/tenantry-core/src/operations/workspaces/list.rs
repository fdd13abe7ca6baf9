use super::OrgWorkspace;
use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging::Page,
    rows::{WorkspaceRow, index, keys},
    store::Order,
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, WorkspaceId},
        validate::Violations,
    },
    wire::{input, output},
};

input! {
    /// Lists the workspaces of an organization.
    pub struct List {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// Where the list goes on: the last answer's `nextCursor`.
        pub cursor: Option<String>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// Workspaces, oldest first.
    pub struct Listed {
        /// The workspaces.
        pub workspaces: Vec<OrgWorkspace>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "workspaces/list";
    const SUMMARY: &'static str = "List the workspaces of an organization";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_VIEW);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Listed, Error> {
        let list = (index::WORKSPACES, Order::OldestFirst, 'w');
        let Page { items: ids, next_cursor } =
            tx.page(list, self.cursor.as_deref(), self.limit, WorkspaceId::from_base62).await?;
        let keys: Vec<_> = ids.iter().map(|id| keys::workspace(*id).key).collect();
        let rows: Vec<Option<WorkspaceRow>> = tx.peek(&keys).await?;
        let shown = ids.into_iter().zip(rows);
        let workspaces =
            shown.filter_map(|(id, row)| Some(OrgWorkspace::new(id, self.organization_id, row?))).collect();
        Ok(Listed { workspaces, next_cursor })
    }
}
