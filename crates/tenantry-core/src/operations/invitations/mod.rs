//! Invitations.

mod accept;
mod create;
mod list;
mod revoke;

pub use accept::{Accept, Joined};
pub use create::Create;
pub use list::{List, Listed};
pub use revoke::Revoke;
