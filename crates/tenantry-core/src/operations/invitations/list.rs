use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging::Page,
    rows::{InvitationRow, index, keys},
    store::Order,
    values::{
        error::{Error, ErrorKind},
        ids::{InvitationId, OrganizationId},
        validate::Violations,
    },
    wire::{OrgInvitation, input, output},
};

input! {
    /// Lists the invitations of an organization that nobody has answered.
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
    /// Invitations, newest first.
    pub struct Listed {
        /// The invitations.
        pub invitations: Vec<OrgInvitation>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "invitations/list";
    const SUMMARY: &'static str = "List the invitations that nobody has answered";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Listed, Error> {
        let organization = tx.organization().await?;
        let list = (index::INVITATIONS, Order::NewestFirst, 'i');
        let Page { items: ids, next_cursor } =
            tx.page(list, self.cursor.as_deref(), self.limit, InvitationId::from_base62).await?;
        let keys: Vec<_> = ids.iter().map(|id| keys::invitation(*id).key).collect();
        let known = tx.roles().await?;
        let rows: Vec<Option<InvitationRow>> = tx.peek(&keys).await?;
        let named = (self.organization_id, organization.name.as_str());
        let invitations = ids
            .into_iter()
            .zip(rows)
            .filter_map(|(id, row)| Some(OrgInvitation::new(id, named, row?, &known, tx.now)))
            .collect();
        Ok(Listed { invitations, next_cursor })
    }
}
