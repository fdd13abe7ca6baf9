//! Secrets: how they are made, written, recognised, and kept.
//!
//! 1. A secret in the clear and its hash are different types. [`Plain`] is shown once, is wiped from memory, and
//!    neither prints nor serializes by accident; [`Hashed`] is what a store keeps, and cannot be turned back.
//! 2. Every comparison takes constant time, wherever the difference lies.
//! 3. Each kind has a prefix and a checksum, so that a scanner recognises a leaked one by its text alone:
//!    [`KEY_PATTERN`](crate::values::token_key::KEY_PATTERN), [`SECRET_PATTERN`] and [`looks_like_a_secret`].

mod api_token;
mod hashed;
mod invitation_token;
mod join_code;

use crate::values::{
    base62,
    entropy::{Entropy, EntropyError, bytes},
};

pub use api_token::{ApiTokenSecret, SECRET_PATTERN, looks_like_a_secret};
pub use hashed::{Hashed, Plain};
pub use invitation_token::{InvalidInvitationToken, InvitationToken};
pub use join_code::{InvalidJoinCode, JoinCode};

/// 32 random bytes in base62: 43 characters.
fn random_text(entropy: &dyn Entropy) -> Result<String, EntropyError> {
    let random: [u8; 32] = bytes(entropy)?;
    Ok(base62::encode(&random, 43))
}

/// The checksum of `text`: its CRC32 (IEEE) in 6 characters of base62.
fn checksum(text: &str) -> String {
    base62::encode(&crc32fast::hash(text.as_bytes()).to_be_bytes(), 6)
}

/// The part of `text` that its last six characters are the checksum of.
fn without_checksum(text: &str) -> Option<&str> {
    let body = text.get(..text.len().checked_sub(6)?)?;
    (checksum(body) == text[body.len()..]).then_some(body)
}
