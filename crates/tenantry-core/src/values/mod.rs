//! Ids, addresses, slugs, texts, limits, time, randomness, errors, validation: what every other floor uses.

pub(crate) mod base62;
pub(crate) mod folded_text;
pub(crate) mod regions;

pub mod address;
pub mod clock;
pub mod delivery;
pub mod edit;
pub mod entropy;
pub mod error;
pub mod host_actor;
pub mod ids;
pub mod limits;
pub mod principal;
pub mod rate_limit;
pub mod role;
pub mod slug;
pub mod token_key;
pub mod validate;
pub mod visible_text;
pub mod web_address;
