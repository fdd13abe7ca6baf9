//! What became of a mail.

use serde::{Deserialize, Serialize};

/// What became of the mail of an invitation, as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Delivery {
    /// It is about to be sent.
    Pending,
    /// It was handed over.
    Sent,
    /// It could not be handed over. Unless its address was refused for good, this is tried again.
    Failed,
}
