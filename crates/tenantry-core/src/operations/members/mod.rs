//! Members of an organization.

mod assign;
mod get;
pub(crate) mod join;
mod list;
mod remove;
mod set_role;
mod update;

pub use get::{Found, Get};
pub use list::{List, Listed};
pub use remove::Remove;
pub use set_role::SetRole;
pub use update::Update;
