//! Who may do what: callers, permissions, roles, what the host registers of these, and tenants.

pub(crate) mod authority;
pub(crate) mod profile_update;
pub(crate) mod roles;

pub mod caller;
pub mod discrepancy;
pub mod permission;
pub mod registry;
pub mod tenant_access;
