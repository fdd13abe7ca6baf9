//! Tenantry's state in Redis or Valkey.
//!
//! [`RedisStore`] keeps the [contract of a store](tenantry_core::store) over Redis 7 (or Valkey): one node, a primary
//! that sentinels watch over, or a cluster. The [URL](RedisStore::connect) says which.
//!
//! 1. **A commit is one script** (`commit.lua`), which publishes the notices too, or a single command where that does the
//!    same. A read is one round trip.
//! 2. **Everything of a shard lies in one hash slot**, and in a cluster no call touches two: it spreads organizations over
//!    its primaries. On one server a commit also writes what belongs to it in other shards.
//!
//!    | key | type | holds |
//!    |---|---|---|
//!    | `<namespace>:{<shard>}:r` | hash | rows, those with a lifetime too, and counters |
//!    | `<namespace>:{<shard>}:i` | sorted set, scored by number | all indexes |
//!    | `<namespace>:{<shard>}:s:<index>` | sorted set, all scores 0 | a sorted index |
//!    | `<namespace>:{<shard>}:l:<log>` | list | a log |
//!
//!    Notices go through the channel `<namespace>:changes`, in a cluster `<namespace>:changes:<node>` for each primary; a
//!    channel `<namespace>:link:<random>` for each connection that listens proves that they still arrive. Within half a
//!    second of a primary's silence, no cache is believed any more. An ACL must allow the namespace's keys and channels.
//! 3. **Nothing takes longer** than [`Options::overall_timeout`]. An outage ends in `Unavailable`; the store finds its
//!    way back by itself: to a server that was restarted, to the replica that the cluster or the sentinels made a primary,
//!    to where a slot has moved. One node that does not answer holds up only what is asked of it.
//! 4. **No change is done twice.** What was refused is sent again, where it belongs; what was sent and not answered is
//!    not, and its caller is told `Unavailable`. While a slot of a cluster is on its way, nothing is refused: a commit
//!    touches no key that may be absent, and waits only for the moment in which one key of its shard has arrived and the
//!    next has not.
//! 5. **What Redis acknowledges is what it is configured to keep.** [`Options::wait_replicas`] makes a commit wait
//!    for replicas. The `maxmemory-policy` must be `noeviction`: any other lets Redis drop what was acknowledged, and is refused. A
//!    Redis that came back with less than it had acknowledged (a crash without an append-only file, an old snapshot, a
//!    fail-over) is told in the log, as far as the loss can be seen.
//! 6. **A password** is in no error, log line or `Debug` output. Give the store a user of its own, which may do no more
//!    than it must: `deploy/redis/users.acl` has one.
//! 7. **TLS** is a feature, `tls`, and then a matter of the URL (`rediss://`) or of `Options::tls`. Certificates
//!    are always verified. If the process has chosen no cryptography for rustls, it gets aws-lc-rs.
//!
//! # The way of a command
//! No file imports one that imports it, be it through others.
//!
//! ```text
//! store      RedisStore: what is to be read or committed       watch     one session at each primary, and when to begin
//!   │        settings: what the server must be set to             │       one anew
//!   │ single_command, script, elsewhere: a transaction            │
//!   │ as one command or as an invocation of commit.lua         session   a connection that subscribes, and beats
//!   │ (fields, sorted, keys: how all of it is called)             │
//!   ▼                                                             ├──▶ notice_proof ──▶ the listeners
//! router     which node has the slot; what to do after a          │    (tenantry_core::store::hub)
//!   │        failure (failure, pause)                             ▼
//!   │        who the primaries are: slots, sentinel            router    who the primaries are
//!   ▼
//! node       one server
//!   ├───────────────────────────────┐
//!   ▼                               ▼ commits that wait for replicas
//! shared     one connection for    replicated_commit   batches with one
//!   │        all callers               │               WAIT, over a pool
//!   └───────────────┬──────────────────┘
//!                   ▼
//!        work, request    what is written to a connection, and (reply) what the answer means
//!                   ▼
//!        server           the connection itself (servers: which there are; address: their URL; tls)
//! ```
//!
//! # Example
//! ```no_run
//! use tenantry_redis::{Options, RedisStore};
//!
//! # async fn start() -> Result<(), tenantry_redis::ConnectError> {
//! let store = RedisStore::connect("redis+cluster://10.0.0.1:6379,10.0.0.2:6379", Options::new()).await?;
//! # Ok(())
//! # }
//! ```

mod address;
mod elsewhere;
mod failure;
mod fields;
mod keys;
mod node;
mod notice_proof;
mod options;
mod pause;
mod replicated_commit;
mod reply;
mod request;
mod router;
mod script;
mod sentinel;
mod server;
mod servers;
mod session;
mod settings;
mod shared;
mod single_command;
mod slots;
mod sorted;
mod store;
#[cfg(feature = "tls")]
mod tls;
mod watch;
mod work;

pub use address::SCHEMES;
pub use options::{ConnectError, ConnectErrorKind, Options};
pub use store::RedisStore;
#[cfg(feature = "tls")]
pub use tls::Tls;
