//! The domain of Tenantry: organizations, members, roles, invitations, join codes and API tokens.
//!
//! This crate knows every rule and no server: no tokio, no HTTP, no Redis.
//!
//! 1. An [operation](operations) is a type; its fields are its input. The [`Engine`](engine::Engine) carries it out:
//!    it reads rows of one organization, lets the operation decide, and commits what was decided if, and only if, what
//!    was read is still so. Authorization is a part of what was read.
//! 2. A [`store`] keeps rows and applies transactions. It knows no rule.
//! 3. What belongs to one organization is in one shard. What leads to it from elsewhere (a user's organizations, a
//!    slug, a join code) is an index entry that every reader confirms.
//! 4. [Time](values::clock) and [randomness](values::entropy) are parameters.
//!
//! # Where things are
//!
//! Each module is a floor: it uses those that stand below it, and none above. (One call leads up: what a credential tells
//! of a member is written by an operation, which `engine/note.rs` carries out.)
//!
//! | floor | what it has |
//! |---|---|
//! | [`worker`] | does what follows from a change after it: tells hooks, mails invitations, removes deleted organizations |
//! | [`operations`] | what can be done: one folder for each thing, one file for each operation |
//! | `search` | how organizations are found: the index, filters, orders, pages |
//! | [`engine`] | how an operation is carried out: transactions, retries, entries in other shards, the outbox, the audit log |
//! | [`host`] | what the host decides and does: its directory, registrar, mailer and hooks |
//! | [`wire`] | what operations are given and answer: the types of the wire |
//! | [`access`] | who may do what: callers, permissions, roles, the registry, tenants |
//! | `rows` | what is stored, and under which keys |
//! | [`store`] | the contract of a store, and its notices of changes |
//! | [`secret`] | how secrets are made, written, recognized and kept |
//! | [`values`] | ids, addresses, slugs, texts, limits, time, randomness, errors, validation |
//!
//! Hosts use the crate `tenantry`, which re-exports what they need; store authors need [`store`].

#[cfg(test)]
mod floors;
mod rows;
mod search;

pub mod access;
pub mod engine;
pub mod host;
pub mod operations;
pub mod secret;
pub mod store;
pub mod values;
pub mod wire;
pub mod worker;

pub use self::rows::Status;
