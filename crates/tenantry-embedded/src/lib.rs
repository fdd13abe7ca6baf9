//! Tenantry's state in memory or in one file, without a server.
//!
//! [`EmbeddedStore`] keeps the [contract of a store](tenantry_core::store) over [redb](https://docs.rs/redb), for a
//! laptop, a test, or a single small node.
//!
//! 1. **One process.** The file belongs to the process that opened it; a second one gets an [`OpenError`] of kind
//!    [`OpenErrorKind::Locked`]. Within the process, share the store with an `Arc`.
//! 2. **Durable.** `commit` answers after the file was synced. Transactions that wait at the same time are written
//!    together, so that they share one sync (group commit).
//! 3. **A disk that is full**, or fails for a moment, is not for ever: the file is closed and opened again, which tells what
//!    became of the commits that were under way, and the store works as soon as the disk does. Meanwhile
//!    [`ping`](tenantry_core::store::Store::ping) says so. What ends something needs room as well: every change writes
//!    new pages first.
//! 4. **Rows with a lifetime** end by the [`Clock`](tenantry_core::values::clock::Clock) that the store was opened with.
//!
//! ```
//! use tenantry_core::store::{Key, Shard, Store, Txn};
//! use tenantry_embedded::EmbeddedStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = EmbeddedStore::in_memory()?;
//! let (shard, key) = (Shard::new('o', "acme"), Key::lasting("name"));
//! store.commit(&shard, &Txn { puts: vec![(key.clone(), "Acme".into())], ..Txn::default() }).await?;
//! assert_eq!(store.read(&shard, &[key]).await?, [Some("Acme".into())]);
//! # Ok(())
//! # }
//! ```

mod apply_transaction;
mod handle;
mod open;
mod reader;
mod store;
mod tables;
mod writer;

pub use open::{OpenError, OpenErrorKind};
pub use store::EmbeddedStore;
