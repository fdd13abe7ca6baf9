//! Organizations themselves.

mod create;
mod get;
mod list;
mod profile;
mod update;

pub use create::{Create, Created};
pub use get::{Found, Get};
pub use list::{List, Listed};
pub use profile::Profile;
pub use update::{Update, Updated};
