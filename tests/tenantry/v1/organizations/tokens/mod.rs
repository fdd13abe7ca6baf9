//! `/v1/organizations/tokens/…`

mod create;
mod introspect;
mod list;
mod revoke;
mod rotate;
mod update;
mod used;
