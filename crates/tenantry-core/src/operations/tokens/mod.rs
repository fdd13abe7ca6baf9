//! API tokens, which an organization owns.

mod create;
mod list;
mod revoke;

pub use create::{Create, Created};
pub use list::{List, Listed};
pub use revoke::Revoke;
