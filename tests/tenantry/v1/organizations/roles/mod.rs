//! `/v1/organizations/roles` and `/v1/organizations/roles/…`

mod create;
mod delete;
mod show;
mod update;
