//! What was found out about a request, and how long it stays so.

pub(crate) mod refusal;
pub(crate) mod tenant;
