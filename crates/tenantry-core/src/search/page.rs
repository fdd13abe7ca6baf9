//! One page of a search.
//!
//! A scan goes through the index by name or by time of creation: the one by which the search is ordered first, or else
//! the one that the filter narrows. There are three kinds of searches.
//!
//! 1. **Ordered by the scan alone**: the matches are the page, in the order in which the scan finds them.
//! 2. **Led by the scan**, with further fields: the best matches are kept. The scan ends once it has left the group of
//!    entries whose first field equals that of the last match.
//! 3. **Ordered otherwise**: the best matches are kept until the scan has ended.
//!
//! An organization that is renamed while a page is made is found once, at its place when it was read.
//!
//! A page looks at [`limits::SEARCH_EXAMINED_MAX`] organizations at most. If it is not complete then, the first kind of
//! search answers what it has, and the other two answer nothing yet: the cursor carries the ids of the best matches so
//! far, and the next page goes on.

use std::collections::HashSet;

use super::{
    cursor::Cursor,
    filter::{Field, OrderBy, SortDirection},
    scan::{Found, Scan, Span, again},
    test::{Rank, Test},
};
use crate::{
    engine::Engine,
    rows::{WholeOrganization, index},
    store::{Direction, Sorted},
    values::{
        error::Error,
        folded_text,
        ids::{OrganizationId, UserId},
        limits,
    },
};

/// What is searched for, where and in which order.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) engine: &'a Engine,
    /// If set, only the organizations of this user are searched.
    pub(crate) user: Option<&'a UserId>,
    /// If set, the name must contain this text.
    pub(crate) name: Option<String>,
    pub(crate) tests: Vec<Test>,
    pub(crate) order: Vec<OrderBy>,
}

/// Which part of the result is wanted.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) limit: usize,
    pub(crate) cursor: Cursor,
}

/// What a page found, in its order, and where the search goes on.
pub(crate) struct Page {
    pub(crate) found: Vec<(OrganizationId, WholeOrganization)>,
    pub(crate) next: Option<Cursor>,
}

/// How the scan's order relates to the search's: one variant for each of the module's three kinds of searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Alone,
    Group,
    None,
}

struct Hit {
    rank: Rank,
    id: OrganizationId,
    organization: WholeOrganization,
    /// Where the scan found it; `None` if an earlier page found it.
    place: Option<Sorted>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        user: Option<&'a UserId>,
        name: Option<&str>,
        tests: Vec<Test>,
        order: Option<&[OrderBy]>,
    ) -> Self {
        let narrowed = |field| tests.iter().any(|test| test.bounds(field) != (None, None));
        let usual = if narrowed(Field::Name) {
            OrderBy { field: Field::Name, direction: SortDirection::Asc }
        } else {
            OrderBy { field: Field::CreatedAt, direction: SortDirection::Desc }
        };
        let order = order.map_or_else(|| vec![usual], <[OrderBy]>::to_vec);
        Self { engine, user, name: name.map(folded_text::unaccented), tests, order }
    }

    pub(crate) async fn page(&self, window: Window) -> Result<Page, Error> {
        let Window { limit, cursor } = window;
        let wanted = limit + cursor.skip;
        let (lead, mut scan) = self.scan(&cursor);
        let mut best = Vec::new();
        for (id, organization) in again(self.engine, self.user, &cursor.best).await? {
            best.extend(self.hit(&cursor, id, organization, None));
        }
        let mut met: HashSet<_> = best.iter().map(|hit| hit.id).collect();
        let mut truncated = cursor.more;
        let mut left = limits::SEARCH_EXAMINED_MAX;
        loop {
            let batch = if lead == Lead::Alone { wanted } else { limits::SEARCH_BATCH_MAX };
            let steps = scan.next(batch.min(limits::SEARCH_BATCH_MAX).min(left)).await?;
            left -= steps.len();
            let reached = steps.last().map(|step| step.place.clone());
            for step in steps {
                let Some(Found { id, organization, place }) = step.found else { continue };
                if lead == Lead::Alone && cursor.scan.as_ref().is_some_and(|start| !self.precedes(start, &place)) {
                    // It has moved to a place that an earlier page has passed.
                    continue;
                }
                // Two entries can lead to one organization: it was renamed during the scan, or an earlier page has
                // found it already.
                best.extend(self.hit(&cursor, id, organization, Some(place)).filter(|hit| met.insert(hit.id)));
            }
            best.sort_by(|one: &Hit, two| one.rank.compare(&two.rank, &self.order));
            truncated |= best.len() > wanted;
            best.truncate(wanted);
            let Some(reached) = reached else { break };
            if scan.has_ended() {
                break;
            }
            if self.is_complete(lead, &best, wanted, &reached) {
                truncated = true;
                break;
            }
            if left == 0 {
                // Matches ahead of the scan are left to the page that gets there.
                best.retain(|hit| {
                    lead != Lead::Alone || hit.place.as_ref().is_none_or(|at| !self.precedes(&reached, at))
                });
                return Ok(Self::interrupted(lead, Cursor { more: truncated, limit, ..cursor }, best, reached));
            }
        }
        Ok(Self::finished(lead, &cursor, best, truncated))
    }

    fn hit(
        &self,
        cursor: &Cursor,
        id: OrganizationId,
        organization: WholeOrganization,
        place: Option<Sorted>,
    ) -> Option<Hit> {
        let named = |name: &String| folded_text::unaccented(&organization.row.name).contains(name.as_str());
        if !self.name.as_ref().is_none_or(named) || !self.tests.iter().all(|test| test.holds(id, &organization)) {
            return None;
        }
        let rank = Rank::new(&self.order, id, &organization);
        let behind = cursor.last.as_ref().is_none_or(|last| rank.compare(last, &self.order).is_gt());
        behind.then_some(Hit { rank, id, organization, place })
    }

    /// Whether the scan gets to `one` before it gets to `other`.
    fn precedes(&self, one: &Sorted, other: &Sorted) -> bool {
        let descending = self.order.first().is_some_and(|first| first.direction == SortDirection::Desc);
        if descending { one > other } else { one < other }
    }

    /// The scan that serves this search best.
    fn scan(&self, cursor: &Cursor) -> (Lead, Scan<'a>) {
        if let Some(user) = self.user {
            return (Lead::None, Scan::own(self.engine, user, cursor.scan.clone()));
        }
        let narrowed = |field| {
            let bounds = self.tests.iter().map(|test| test.bounds(field));
            let (from, below): (Vec<_>, Vec<_>) = bounds.unzip();
            (from.into_iter().flatten().max(), below.into_iter().flatten().min())
        };
        let index_of = |field| if field == Field::Name { index::NAMES } else { index::CREATIONS };
        let first = self.order.first().filter(|by| matches!(by.field, Field::Name | Field::CreatedAt));
        let Some(first) = first else {
            let by_name = narrowed(Field::Name) != (None, None);
            let field = if by_name { Field::Name } else { Field::CreatedAt };
            let (from, below) = narrowed(field);
            let span = Span { index: index_of(field), direction: Direction::Ascending, from, below };
            return (Lead::None, Scan::platform(self.engine, span, cursor.scan.as_ref()));
        };
        let (mut from, mut below) = narrowed(first.field);
        let direction = match first.direction {
            SortDirection::Asc => Direction::Ascending,
            SortDirection::Desc => Direction::Descending,
        };
        // The next page begins in the group in which the last page ended.
        if let Some(group) = cursor.last.as_ref().and_then(Rank::lead) {
            match direction {
                Direction::Ascending => from = from.max(Some(group)),
                Direction::Descending => below = below.into_iter().chain([group + "\0"]).min(),
            }
        }
        let lead = if self.order.len() == 1 { Lead::Alone } else { Lead::Group };
        let span = Span { index: index_of(first.field), direction, from, below };
        (lead, Scan::platform(self.engine, span, cursor.scan.as_ref()))
    }

    /// Whether nothing that the scan has yet to reach can come before the last of `best`.
    fn is_complete(&self, lead: Lead, best: &[Hit], wanted: usize, reached: &Sorted) -> bool {
        let Some(last) = best.last().filter(|_| best.len() == wanted) else { return false };
        match (lead, reached, self.order.first()) {
            (Lead::Alone, ..) => last.place.as_ref().is_none_or(|place| !self.precedes(reached, place)),
            (Lead::Group, Sorted { sort_key, .. }, Some(first)) => {
                last.rank.lead().is_some_and(|group| match first.direction {
                    SortDirection::Asc => *sort_key > group,
                    SortDirection::Desc => *sort_key < group,
                })
            }
            _ => false,
        }
    }

    /// The page of a search that has looked at as many organizations as it may.
    fn interrupted(lead: Lead, cursor: Cursor, best: Vec<Hit>, reached: Sorted) -> Page {
        if lead == Lead::Alone {
            let skip = cursor.skip.saturating_sub(best.len());
            let found = best.into_iter().skip(cursor.skip).map(|hit| (hit.id, hit.organization)).collect();
            return Page {
                found,
                next: Some(Cursor { search: cursor.search, scan: Some(reached), skip, ..Cursor::default() }),
            };
        }
        let best = best.into_iter().map(|hit| hit.id).collect();
        Page { found: Vec::new(), next: Some(Cursor { scan: Some(reached), best, ..cursor }) }
    }

    /// The page of a search that is complete; `more` says whether another page follows.
    fn finished(lead: Lead, cursor: &Cursor, best: Vec<Hit>, more: bool) -> Page {
        let next = best.last().filter(|_| more).map(|last| {
            let next = Cursor { search: cursor.search.clone(), ..Cursor::default() };
            match (lead, &last.place) {
                (Lead::Alone, Some(place)) => Cursor { scan: Some(place.clone()), ..next },
                _ => Cursor { last: Some(last.rank.clone()), ..next },
            }
        });
        Page { found: best.into_iter().skip(cursor.skip).map(|hit| (hit.id, hit.organization)).collect(), next }
    }
}
