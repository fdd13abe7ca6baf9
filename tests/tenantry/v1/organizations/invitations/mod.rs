//! `/v1/organizations/invitations/…`

mod accept;
mod create;
mod list;
mod revoke;
