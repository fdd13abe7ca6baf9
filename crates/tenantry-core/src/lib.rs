//! The domain of Tenantry: organizations, members, roles, invitations, join codes and API tokens.
//!
//! This crate knows every rule and no server: no tokio, no HTTP, no Redis. It is put together as follows.
//!
//! 1. An [operation](operations) is a type; its fields are its input. The [`Engine`](engine::Engine) carries it out:
//!    it reads rows of one organization, lets the operation decide, and commits what was decided if, and only if, what
//!    was read is still so. Authorization is a part of what was read.
//! 2. A [`store`] keeps rows and applies transactions. It knows no rule.
//! 3. What belongs to one organization is in one shard. What leads to it from elsewhere (a user's organizations, a
//!    slug, a join code) is an index entry that every reader confirms.
//! 4. [Time](clock) and [randomness](entropy) are parameters.
//!
//! Hosts use the crate `tenantry`, which re-exports what they need; store authors need [`store`] and [`change`].

mod authority;
mod base62;
mod entry;
mod meter;
mod note;
mod outage;
mod paging;
mod place;
mod removal;
mod roles;
mod rows;
mod search;
mod text;

pub mod address;
pub mod audit;
pub mod caller;
pub mod change;
pub mod clock;
pub mod directory;
pub mod discrepancy;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod hooks;
pub mod host;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod limits;
pub mod mailer;
pub mod operation;
pub mod operations;
pub mod permission;
pub mod rate_limit;
pub mod registrar;
pub mod registry;
pub mod repair;
pub mod resolve;
pub mod role;
pub mod secret;
pub mod shown;
pub mod slug;
pub mod store;
pub mod tenant;
pub mod token_use;
pub mod transaction;
pub mod validate;
pub mod view;
pub mod web_address;

pub use self::rows::Status;
