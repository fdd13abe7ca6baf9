//! Tenantry's state in Redis or Valkey.
//!
//! [`RedisStore`] keeps the [contract of a store](tenantry_core::store) over one Redis 7 (or Valkey) node.
//!
//! 1. **A commit is one script** (`commit.lua`), which publishes the notices too. A read is one round trip.
//! 2. **Everything of a shard lies in one hash slot**, so that the same data can move to a cluster:
//!
//!    | key | type | holds |
//!    |---|---|---|
//!    | `<namespace>:{<shard>}:r` | hash | rows and counters |
//!    | `<namespace>:{<shard>}:t:<name>` | string with `PX` | one row with a lifetime |
//!    | `<namespace>:{<shard>}:i:<index>` | sorted set, scored by number | an index |
//!    | `<namespace>:{<shard>}:s:<index>` | sorted set, all scores 0 | a sorted index |
//!    | `<namespace>:{<shard>}:l:<log>` | list | a log |
//!
//!    Notices go through the channel `<namespace>:changes`; a channel `<namespace>:link:<random>` for each store
//!    proves that they still arrive. An ACL must allow the namespace's keys and channels.
//! 3. **Nothing takes longer** than [`Options::overall_timeout`]. An outage ends in `Unavailable`; the store finds its
//!    way back by itself.
//! 4. **What Redis acknowledges is what it is configured to keep.** [`Options::wait_replicas`] makes a commit wait
//!    for replicas. The `maxmemory-policy` must be `noeviction`: any other lets Redis drop what was acknowledged.
//! 5. **The URL's password** is in no error, log line or `Debug` output.
//!
//! ```no_run
//! use tenantry_redis::{Options, RedisStore};
//!
//! # async fn start() -> Result<(), tenantry_redis::ConnectError> {
//! let store = RedisStore::connect("redis://127.0.0.1:6379", Options::new()).await?;
//! # Ok(())
//! # }
//! ```

mod confirmed;
mod hub;
mod keys;
mod link;
mod options;
mod script;
mod sorted;
mod store;
mod watch;

pub use options::{ConnectError, ConnectErrorKind, Options};
pub use store::RedisStore;
