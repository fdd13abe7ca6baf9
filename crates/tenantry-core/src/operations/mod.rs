//! All operations. One file each; the type is the input.
//!
//! In a request, `null` is the same as absent. An update clears a text or a list if it is given an empty one. Where no
//! value could stand for "none" (a moment, a limit), the field is an [`Edit`](crate::values::edit::Edit), and `null`
//! clears it.

pub mod accounts;
pub mod invitations;
pub(crate) mod issued;
pub mod join_codes;
pub mod members;
pub mod organizations;
pub(crate) mod paging;
pub mod roles;
pub mod tokens;
pub mod workspaces;
