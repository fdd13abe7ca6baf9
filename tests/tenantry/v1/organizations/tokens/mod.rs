//! `/v1/organizations/tokens/…`

mod create;
mod list;
mod revoke;
