//! The row that keeps the answer to a request with an idempotency key.

use serde::{Deserialize, Serialize};

use crate::{secret::Hashed, values::clock::Timestamp};

/// The answer to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IdempotencyRow {
    /// The hash of the operation's route and input.
    pub(crate) payload: Hashed,
    pub(crate) at: Timestamp,
    pub(crate) nonce: [u8; 12],
    /// The answer as JSON, encrypted under a key that is derived from the idempotency key.
    pub(crate) sealed: Vec<u8>,
}
