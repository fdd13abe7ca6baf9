use serde::Serialize;

use crate::{
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::paging,
    search::{Cursor, Filter, OrderBy, Search as Course, Window, check_order, check_text},
    secret::Hashed,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        validate::Violations,
    },
    wire::{Organization, input, output},
};

input! {
    /// Searches organizations: a platform admin all of them, everyone else their own.
    pub struct Search {
        /// What the name contains, without regard to case and accents.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub name: Option<String>,
        /// What the organizations must be like; all of it holds.
        pub filter: Option<Filter>,
        /// The order: by the first field, then by the next; 1 to 4 fields. Ties go by id, in the direction of the last
        /// field. If absent: by `name` if the filter says how it begins or between what it lies, else by `createdAt`,
        /// newest first.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 4))]
        pub order: Option<Vec<OrderBy>>,
        /// Where the search goes on: the last answer's `nextCursor`, with the same name, filter and order.
        pub cursor: Option<String>,
        /// How many organizations to pass over at the beginning, at most 500; not together with a cursor.
        #[cfg_attr(feature = "openapi", schema(maximum = 500))]
        pub offset: Option<u32>,
        /// 1 to 200; 50 if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
        pub limit: Option<u32>,
    }
}

output! {
    /// Organizations that were found.
    pub struct Results {
        /// The organizations, in the order that was asked for.
        pub organizations: Vec<Organization>,
        /// Where the search goes on; `null` at its end. One answer looks at 1000 organizations at most: there may be
        /// fewer than `limit`, or none yet, and more to come.
        pub next_cursor: Option<String>,
    }
}

impl Operation for Search {
    type Output = Results;

    const ROUTE: &'static str = "search";
    const SUMMARY: &'static str = "Search organizations: all of the platform, or the caller's own";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    fn check(&self, problems: &mut Violations) {
        problems.limit(self.limit);
        if let Some(name) = &self.name {
            check_text("name", name, problems);
        }
        if let Some(filter) = &self.filter {
            filter.check(problems);
        }
        if let Some(order) = &self.order {
            check_order(order, problems);
        }
        if self.offset.is_some_and(|offset| offset > limits::SEARCH_OFFSET_MAX) {
            problems.add("offset", "out_of_bounds", format!("give 0 to {}", limits::SEARCH_OFFSET_MAX));
        }
        if self.offset.is_some() && self.cursor.is_some() {
            problems.add("offset", "conflict", "give either a cursor or an offset, not both");
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Results, Error> {
        let user = if tx.caller.is_above_organizations() { None } else { Some(&tx.user()?.id) };
        let search = self.identity(user.is_some())?;
        let mut limit = paging::page_size(self.limit);
        let cursor = match &self.cursor {
            Some(cursor) => Cursor::parse(cursor, &search)?,
            None => Cursor { search, skip: self.offset.unwrap_or(0) as usize, ..Cursor::default() },
        };
        if !cursor.best.is_empty() {
            // The cursor keeps the best matches so far, for a page of the size with which the search began.
            limit = cursor.limit.clamp(1, limits::LIST_LIMIT_MAX as usize);
        }
        let tests = self.filter.as_ref().map(Filter::tests).unwrap_or_default();
        let course = Course::new(tx.engine, user, self.name.as_deref(), tests, self.order.as_deref());
        let page = course.page(Window { limit, cursor }).await?;
        let organizations = page.found.into_iter().map(|(id, organization)| Organization::new(id, organization));
        Ok(Results {
            organizations: organizations.collect::<Result<_, _>>()?,
            next_cursor: page.next.map(|cursor| cursor.to_text()).transpose()?,
        })
    }
}

impl Search {
    /// A hash of the search, so that no search continues from the cursor of another.
    fn identity(&self, own: bool) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Identity<'a>(bool, &'a Option<String>, &'a Option<Filter>, &'a Option<Vec<OrderBy>>);
        let identity = Identity(own, &self.name, &self.filter, &self.order);
        let text = serde_json::to_string(&identity).map_err(Error::internal)?;
        Ok(Hashed::of(&text).to_base62())
    }
}
