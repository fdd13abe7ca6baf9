//! The names of all shards, in one place.

use crate::{
    secret::Hashed,
    store::Shard,
    values::{
        address::NormalAddress,
        ids::{OrganizationId, UserId},
        limits,
        slug::Slug,
    },
};

pub(crate) fn organization(id: OrganizationId) -> Shard {
    Shard::new('o', &id.to_base62())
}
pub(crate) fn user(id: &UserId) -> Shard {
    bucket('u', &Hashed::of(id.as_str()))
}
pub(crate) fn address(address: &NormalAddress) -> Shard {
    bucket('a', &Hashed::of(address.as_str()))
}
pub(crate) fn join_code(code: &Hashed) -> Shard {
    bucket('c', code)
}
pub(crate) fn slug(slug: &Slug) -> Shard {
    bucket('s', &Hashed::of(slug.as_str()))
}

/// One of [`limits::ENTRY_BUCKETS`] shards. There are many users, addresses, codes and slugs, with few rows and entries
/// each, so they share shards. Each has its tag, or its hash, in the names of its rows and entries.
///
/// [`limits::ENTRY_BUCKETS`]: crate::values::limits::ENTRY_BUCKETS
fn bucket(kind: char, hash: &Hashed) -> Shard {
    Shard::new(kind, &format!("{:x}", hash.number() % limits::ENTRY_BUCKETS))
}

/// Text that distinguishes a user from all others in their shard.
pub(crate) fn user_tag(id: &UserId) -> String {
    Hashed::of(id.as_str()).tag()
}
/// Text that distinguishes an address from all others in its shard. Unlike the address it is short and not personal.
pub(crate) fn address_tag(address: &NormalAddress) -> String {
    Hashed::of(address.as_str()).tag()
}
/// One of [`limits::SEARCH_BUCKETS`] parts of the search index.
///
/// [`limits::SEARCH_BUCKETS`]: crate::values::limits::SEARCH_BUCKETS
///
/// Each of the two indexes has shards of its own: an organization that is lost with a primary from one index may still
/// be in the other.
pub(crate) fn search(index: &str, bucket: u32) -> Shard {
    Shard::new('p', &format!("{index}/{bucket}"))
}
pub(crate) fn platform() -> Shard {
    Shard::new('p', "platform")
}
pub(crate) fn jobs(bucket: u64) -> Shard {
    Shard::new('p', &format!("jobs/{bucket}"))
}
