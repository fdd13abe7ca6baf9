//! JWTs of an issuer that the tests play.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
#[cfg(feature = "aws_lc_rs")]
pub(crate) use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
#[cfg(not(feature = "aws_lc_rs"))]
pub(crate) use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tenantry_core::values::clock::{Clock, Timestamp};
use tenantry_tower::jwt;

use super::TestClock;

pub(crate) const ISSUER: &str = "https://id.example.com/";
pub(crate) const AUDIENCE: &str = "https://api.example.com/";
pub(crate) const HS_SECRET: &[u8; 64] = b"a test secret of sixty-four bytes, which is enough for HS512 too";

/// How a test signs.
pub(crate) struct Signing {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

impl Signing {
    pub(crate) fn secret(algorithm: Algorithm, secret: &[u8]) -> Self {
        Self { algorithm, key: EncodingKey::from_secret(secret) }
    }

    pub(crate) fn pem(algorithm: Algorithm, file: &str) -> Self {
        let pem = key_file(file);
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(&pem),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
            _ => EncodingKey::from_rsa_pem(&pem),
        };
        Self { algorithm, key: key.unwrap() }
    }

    pub(crate) fn hs256() -> Self {
        Self::secret(Algorithm::HS256, HS_SECRET)
    }
}

/// The key that [`Signing::hs256`] is verified by.
pub(crate) fn hs256_key() -> jwt::Key {
    jwt::Key::new(jwt::Algorithm::Hs256, HS_SECRET)
}

/// A file of `tests/keys`.
pub(crate) fn key_file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Claims of `user` that are right for an hour.
pub(crate) fn claims(user: &str, clock: &TestClock) -> Value {
    let now: Timestamp = clock.now();
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": now.as_seconds() + 3600 })
}

pub(crate) fn sign(claims: &Value, signing: &Signing) -> String {
    sign_with_header(&json!({ "typ": "JWT", "alg": format!("{:?}", signing.algorithm) }), claims, signing)
}

/// A JWT with whatever header, signed as `signing` says.
pub(crate) fn sign_with_header(header: &Value, claims: &Value, signing: &Signing) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signer = (DEFAULT_PROVIDER.signer_factory)(&signing.algorithm, &signing.key).unwrap();
    let signature = signer.try_sign(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
