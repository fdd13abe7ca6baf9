//! `/v1/organizations/…`: every operation, its success and each of its errors.

mod create;
mod get;
mod invitations;
mod join_codes;
mod list;
mod members;
mod requests;
mod roles;
mod tokens;
mod update;
