//! `/v1/organizations/members/…`

mod list;
mod remove;
mod set_role;
