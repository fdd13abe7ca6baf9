//! The domain of Tenantry.

mod base62;
pub mod change;
pub mod clock;
pub mod entropy;
pub mod ids;
pub mod limits;
pub mod secret;
pub mod store;
