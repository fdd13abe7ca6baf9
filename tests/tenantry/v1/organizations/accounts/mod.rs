//! `/v1/organizations/accounts/…`

mod forget;
mod update;
