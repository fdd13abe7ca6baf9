//! What comes of a request: a tenant, or a refusal.

pub(crate) mod changes;
pub(crate) mod refusal;
pub(crate) mod refusal_form;
pub(crate) mod tenant;
