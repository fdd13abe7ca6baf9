//! Members of an organization.

pub(crate) mod join;
mod list;
mod remove;
mod set_role;

pub use list::{List, Listed};
pub use remove::Remove;
pub use set_role::SetRole;
