//! Idempotency keys: a retry gets the answer of the first request, and does nothing a second time.
//!
//! 1. The answer is stored in the organization's shard, in the same commit as the change that it reports: neither is
//!    ever there without the other.
//! 2. A key is scoped to one principal and one organization. `create` derives the new organization's id from the key
//!    and the principal, so that a retry reaches the same shard.
//! 3. An answer may hold a secret. It is encrypted under a key that is derived from the idempotency key; of that, the
//!    store keeps only a hash. So whoever reads the store reads no secret. Clients should send a random key, such as a
//!    UUID.
//! 4. After 24 hours the answer is gone.

use std::fmt;

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::Aead};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    rows::{IdempotencyRow, RowKey, keys},
    secret::Hashed,
    values::{
        clock::Timestamp,
        entropy::{Entropy, bytes},
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        principal::Principal,
    },
};

/// The value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key.
    pub fn new(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let valid = (1..=limits::IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// The text is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 255 visible ASCII characters, such as a UUID")]
pub struct InvalidIdempotencyKey;

/// One idempotency key of one principal, for one request.
pub(crate) struct Idempotency {
    /// Names the row. The store may know it.
    scope: Hashed,
    /// Decrypts the answer. The store must not know it.
    cipher_key: [u8; 32],
    /// The hash of the operation and its input, which a retry must repeat.
    payload: Hashed,
}

impl Idempotency {
    pub(crate) fn new(
        principal: &Principal,
        key: &IdempotencyKey,
        route: &str,
        input: &impl Serialize,
    ) -> Result<Self, Error> {
        let input = serde_json::to_string(input).map_err(Error::internal)?;
        Ok(Self {
            scope: Hashed::of(&format!("scope\n{principal}\n{}", key.0)),
            cipher_key: derive("answer", principal, key),
            payload: Hashed::of(&format!("{route}\n{input}")),
        })
    }

    pub(crate) fn row_key(&self) -> RowKey<IdempotencyRow> {
        keys::idempotency(&self.scope)
    }

    /// The answer of the first request, if this is a retry.
    pub(crate) fn replay<O: DeserializeOwned>(
        &self,
        row: Option<IdempotencyRow>,
        now: Timestamp,
    ) -> Result<Option<O>, Error> {
        let Some(row) = row.filter(|row| now.since(row.at) < limits::IDEMPOTENCY_LIFETIME) else { return Ok(None) };
        if row.payload != self.payload {
            return Err(Error::new(
                ErrorKind::IdempotencyMismatch,
                "this Idempotency-Key was used for another request: send a new key",
            ));
        }
        let answer = self
            .cipher()
            .decrypt(&row.nonce.into(), row.sealed.as_slice())
            .map_err(|_| Error::internal("the kept answer to an idempotency key cannot be opened"))?;
        serde_json::from_slice(&answer).map(Some).map_err(Error::internal)
    }

    /// The row that keeps `answer`.
    pub(crate) fn keep(
        &self,
        answer: &impl Serialize,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<IdempotencyRow, Error> {
        let nonce: [u8; 12] = bytes(entropy)?;
        let answer = serde_json::to_vec(answer).map_err(Error::internal)?;
        let sealed = self
            .cipher()
            .encrypt(&nonce.into(), answer.as_slice())
            .map_err(|_| Error::internal("the answer to an idempotency key cannot be sealed"))?;
        Ok(IdempotencyRow { payload: self.payload.clone(), at: now, nonce, sealed })
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.cipher_key.into())
    }
}

/// The id of the organization that `principal` creates under `key`.
pub(crate) fn organization_id(principal: &Principal, key: &IdempotencyKey) -> OrganizationId {
    let derived = derive("organization", principal, key);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid().into()
}

fn derive(purpose: &str, principal: &Principal, key: &IdempotencyKey) -> [u8; 32] {
    Sha256::digest(format!("tenantry\n{purpose}\n{principal}\n{}", key.0)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{entropy::SystemEntropy, ids::UserId};

    #[test]
    fn only_the_same_key_and_payload_open_an_answer() {
        let ann = Principal::User(UserId::new("ann").unwrap());
        let key = IdempotencyKey::new("7f1c").unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let first = Idempotency::new(&ann, &key, "create", &"a").unwrap();
        let row = first.keep(&"secret-answer", now, &SystemEntropy).unwrap();
        assert!(!row.sealed.windows(6).any(|part| part == b"secret"));

        let again = Idempotency::new(&ann, &key, "create", &"a").unwrap();
        assert_eq!(again.replay::<String>(Some(row.clone()), now).unwrap().as_deref(), Some("secret-answer"));
        let tomorrow = now.after(limits::IDEMPOTENCY_LIFETIME);
        assert_eq!(again.replay::<String>(Some(row.clone()), tomorrow).unwrap(), None);

        let other = Idempotency::new(&ann, &key, "create", &"b").unwrap();
        let refused = other.replay::<String>(Some(row), now).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::IdempotencyMismatch);
    }

    #[test]
    fn a_key_is_visible_ascii() {
        assert!(IdempotencyKey::new("9c2e6f1a-1").is_ok());
        for text in ["", "a b", "é", &"x".repeat(256)] {
            assert!(IdempotencyKey::new(text).is_err());
        }
    }
}
