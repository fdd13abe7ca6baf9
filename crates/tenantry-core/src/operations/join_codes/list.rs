use crate::{
    access::permission::Permission,
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging::Page,
    rows::{JoinCodeRow, index, keys},
    store::Order,
    values::{
        error::{Error, ErrorKind},
        ids::{JoinCodeId, OrganizationId},
        validate::Violations,
    },
    wire::{OrgJoinCode, input, output},
};

input! {
    /// Lists the join codes of an organization.
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
    /// Join codes, newest first, the revoked ones too.
    pub struct Listed {
        /// The join codes.
        pub join_codes: Vec<OrgJoinCode>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "join-codes/list";
    const SUMMARY: &'static str = "List the join codes of an organization";
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
        let list = (index::JOIN_CODES, Order::NewestFirst, 'c');
        let Page { items: ids, next_cursor } =
            tx.page(list, self.cursor.as_deref(), self.limit, JoinCodeId::from_base62).await?;
        let keys: Vec<_> = ids.iter().map(|id| keys::join_code(*id).key).collect();
        let counters: Vec<_> = ids.iter().map(|id| keys::join_code_uses(*id)).collect();
        let known = tx.roles().await?;
        let rows: Vec<Option<JoinCodeRow>> = tx.peek(&keys).await?;
        let uses = tx.counters(&counters).await?;
        let join_codes = ids
            .into_iter()
            .zip(rows.into_iter().zip(uses))
            .filter_map(|(id, (row, uses))| Some(OrgJoinCode::new(id, self.organization_id, row?, uses, &known)))
            .collect();
        Ok(Listed { join_codes, next_cursor })
    }
}
