//! `/v1/organizations/members/…`

mod get;
mod list;
mod remove;
mod set_role;
mod update;
