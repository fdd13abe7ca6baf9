//! Finding organizations: the platform's search index, filters and orders.
//!
//! 1. **The index** is divided into [`limits::SEARCH_BUCKETS`] shards by a hash of the organization's id, so that the
//!    writes of all organizations do not meet in one shard. In each bucket there is one sorted index by
//!    [name](index::NAMES) and one by the [time of creation](index::CREATIONS). A [scan](scan) merges the buckets and
//!    confirms each entry in the organization's shard; `engine/entry.rs` says why an entry may be false, and how it is
//!    pruned.
//! 2. **A [filter](filter)** states the conditions as a request has them; [tests](test) decide them for one
//!    organization.
//! 3. **A [page](page)** looks at a bounded number of organizations. If it could not finish, its [cursor](cursor)
//!    carries what it has found so far.
//!
//! [`limits::SEARCH_BUCKETS`]: crate::values::limits::SEARCH_BUCKETS

mod cursor;
mod filter;
mod page;
mod scan;
mod test;

pub use self::filter::{
    ConcatLike, Field, Filter, IdOperators, NumberOperators, OrderBy, SortDirection, StatusOperators, TextOperators,
    TimeOperators,
};
pub(crate) use self::{
    cursor::Cursor,
    filter::{check_order, check_text},
    page::{Search, Window},
};
