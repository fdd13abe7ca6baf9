//! `/v1/organizations/invitations/…`

mod accept;
mod allowance;
mod create;
mod create_batch;
mod decline;
mod ended;
mod list;
mod mine;
mod register;
mod resend;
mod revoke;
