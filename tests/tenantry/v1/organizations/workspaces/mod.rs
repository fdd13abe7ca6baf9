//! `/v1/organizations/workspaces/…`

mod create;
mod delete;
mod list;
mod update;
