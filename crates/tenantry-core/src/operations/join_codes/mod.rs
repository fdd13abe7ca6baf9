//! Join codes.

mod create;
mod join;
mod list;
pub(crate) mod revoke;

pub use create::Create;
pub use join::Join;
pub use list::{List, Listed};
pub use revoke::Revoke;
