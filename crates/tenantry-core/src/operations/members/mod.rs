//! Members of an organization.

mod add;
mod assign;
mod get;
pub(crate) mod join;
mod left;
mod list;
pub(crate) mod profile;
mod remove;
mod set_role;
mod update;

pub use add::Add;
pub use get::{Found, Get};
pub use left::{Left, LeftApiToken, LeftInvitation, LeftJoinCode};
pub use list::{List, Listed};
pub use remove::{Remove, Removed};
pub use set_role::SetRole;
pub use update::Update;
