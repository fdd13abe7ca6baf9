//! Finding organizations: the platform's search index, filters and orders.
//!
//! 1. **The index** is divided into [`limits::SEARCH_BUCKETS`] shards by a hash of the organization's id, so that no
//!    shard bears the writes of all. In each bucket there is one sorted index by [name](index::NAMES) and one by the
//!    [time of creation](index::CREATIONS). A [scan](scan) merges the buckets and confirms each entry in the
//!    organization's shard; `engine/entry.rs` says why an entry may be false, and how it is pruned.
//! 2. **A [filter](filter)** is what the wire says; [tests](test) are what it means for one organization.
//! 3. **A [page](page)** looks at a bounded number of organizations. What it could not finish stands in its
//!    [cursor](cursor).
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
