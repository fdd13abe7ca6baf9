//! The names of all shards, in one place.

use crate::{
    address::NormalAddress,
    ids::{OrganizationId, UserId},
    secret::Hashed,
    slug::Slug,
    store::Shard,
};

pub(crate) fn organization(id: OrganizationId) -> Shard {
    Shard::new('o', &id.to_base62())
}
pub(crate) fn user(id: &UserId) -> Shard {
    Shard::new('u', id.as_str())
}
/// Addresses can be long and personal: a hash of them names the shard.
pub(crate) fn address(address: &NormalAddress) -> Shard {
    Shard::new('a', &Hashed::of(address.as_str()).to_base62())
}
pub(crate) fn join_code(code: &Hashed) -> Shard {
    Shard::new('c', &code.to_base62())
}
pub(crate) fn slug(slug: &Slug) -> Shard {
    Shard::new('s', slug.as_str())
}
/// One of [`limits::SEARCH_BUCKETS`] parts of the search index.
///
/// [`limits::SEARCH_BUCKETS`]: crate::limits::SEARCH_BUCKETS
pub(crate) fn search(bucket: u32) -> Shard {
    Shard::new('p', &format!("search/{bucket}"))
}
pub(crate) fn platform() -> Shard {
    Shard::new('p', "platform")
}
pub(crate) fn jobs(bucket: u64) -> Shard {
    Shard::new('p', &format!("jobs/{bucket}"))
}
