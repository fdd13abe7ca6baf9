use crate::{
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        validate::Violations,
    },
    wire::{OrgMembership, input, output},
};

input! {
    /// Lists the organizations of the caller.
    pub struct List {
        /// Where the list goes on: the last answer's `nextCursor`.
        pub cursor: Option<String>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// Organizations of the caller, in the order of joining.
    pub struct Listed {
        /// The caller's place in each.
        pub organizations: Vec<OrgMembership>,
        /// Where the list goes on; `null` at its end.
        pub next_cursor: Option<String>,
    }
}

impl Operation for List {
    type Output = Listed;

    const ROUTE: &'static str = "list";
    const SUMMARY: &'static str = "List the organizations that the caller belongs to";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Listed, Error> {
        let after = match &self.cursor {
            Some(cursor) => paging::parse_sorted(cursor, &['o'])?.1,
            None => None,
        };
        let user = tx.user()?;
        let page = tx.engine.memberships_page(&user.id, after, paging::page_size(self.limit)).await?;
        let next_cursor = page.next.map(|place| paging::sorted_cursor('o', &place));
        Ok(Listed { organizations: page.memberships, next_cursor })
    }
}
