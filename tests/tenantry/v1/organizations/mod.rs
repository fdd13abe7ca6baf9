//! `/v1/organizations/…`: every operation, its success and each of its errors.

mod accounts;
mod create;
mod delete;
mod get;
mod invitations;
mod join_codes;
mod leave;
mod list;
mod members;
mod names;
mod requests;
mod roles;
mod search;
mod set_status;
mod tokens;
mod transfer_ownership;
mod update;
mod workspaces;
