//! The row of an answer that an idempotency key got.

use serde::{Deserialize, Serialize};

use crate::{secret::Hashed, values::clock::Timestamp};

/// The answer that an idempotency key got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IdempotencyRow {
    /// Of the operation's name and input.
    pub(crate) payload: Hashed,
    pub(crate) at: Timestamp,
    pub(crate) nonce: [u8; 12],
    /// The answer as JSON, encrypted under a key that only the idempotency key yields.
    pub(crate) sealed: Vec<u8>,
}
