//! `/v1/organizations/join-codes/…`

mod create;
mod join;
mod list;
mod revoke;
