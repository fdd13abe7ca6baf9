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

/// One of [`limits::ENTRY_BUCKETS`] shards: what is found by a user, an address, a code or a slug is little, and there
/// are many of them. Each has its tag, or its hash, in the names of its rows and entries there.
///
/// [`limits::ENTRY_BUCKETS`]: crate::values::limits::ENTRY_BUCKETS
fn bucket(kind: char, hash: &Hashed) -> Shard {
    Shard::new(kind, &format!("{:x}", hash.number() % limits::ENTRY_BUCKETS))
}

/// Tells a user from all others of their shard.
pub(crate) fn user_tag(id: &UserId) -> String {
    Hashed::of(id.as_str()).tag()
}
/// Tells an address from all others of its shard. Addresses can be long and personal; this is neither.
pub(crate) fn address_tag(address: &NormalAddress) -> String {
    Hashed::of(address.as_str()).tag()
}
/// One of [`limits::SEARCH_BUCKETS`] parts of the search index.
///
/// [`limits::SEARCH_BUCKETS`]: crate::values::limits::SEARCH_BUCKETS
///
/// The two indexes have shards of their own: what one primary of a cluster has lost, the other one may still tell.
pub(crate) fn search(index: &str, bucket: u32) -> Shard {
    Shard::new('p', &format!("{index}/{bucket}"))
}
pub(crate) fn platform() -> Shard {
    Shard::new('p', "platform")
}
pub(crate) fn jobs(bucket: u64) -> Shard {
    Shard::new('p', &format!("jobs/{bucket}"))
}
