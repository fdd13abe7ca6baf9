//! Keys of issuers, and what they sign.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::EllipticCurve};
use serde_json::{Value, json};
use tenantry_core::values::entropy::{Entropy, SystemEntropy};

use crate::support::{AUDIENCE, DEFAULT_PROVIDER, Signing, TestClock, claims, sign_with_header};

static TOKENS: AtomicUsize = AtomicUsize::new(0);

/// A key of an issuer, its private half too.
#[derive(Clone)]
pub(super) struct IssuerKey {
    signing: Arc<Signing>,
    kid: Option<String>,
    /// As it is published.
    pub(super) jwk: Value,
}

impl IssuerKey {
    /// A key that was never there before.
    pub(super) fn new(kid: &str) -> Self {
        // PKCS #8 of an Ed25519 key (RFC 8410), up to its 32 random bytes.
        let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
        let mut random = [0; 32];
        SystemEntropy.fill(&mut random).unwrap();
        der.extend(random);
        let signing = Signing { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) };
        Self::of(signing, Some(kid))
    }

    /// One of the keys in `tests/keys`.
    pub(super) fn pem(algorithm: Algorithm, kid: Option<&str>) -> Self {
        let file = match algorithm {
            Algorithm::ES256 => "test-p256-private.pem",
            Algorithm::ES384 => "test-p384-private.pem",
            Algorithm::EdDSA => "test-ed25519-private.pem",
            _ => "test-rsa-2048-private.pem",
        };
        Self::of(Signing::pem(algorithm, file), kid)
    }

    fn of(signing: Signing, kid: Option<&str>) -> Self {
        let (utils, private) = (&DEFAULT_PROVIDER.key_utils, signing.key.as_bytes());
        let text = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match signing.algorithm {
            Algorithm::EdDSA => {
                let x = (utils.ed_pub_components_from_private_key)(private, &EllipticCurve::Ed25519).unwrap();
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(x) })
            }
            Algorithm::ES256 | Algorithm::ES384 => {
                let (curve, x, y) = (utils.ec_pub_components_from_private_key)(private, signing.algorithm).unwrap();
                json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y) })
            }
            _ => {
                let (n, e) = (utils.rsa_pub_components_from_private_key)(private).unwrap();
                json!({ "kty": "RSA", "n": text(n), "e": text(e) })
            }
        };
        jwk["alg"] = format!("{:?}", signing.algorithm).into();
        jwk["use"] = "sig".into();
        if let Some(kid) = kid {
            jwk["kid"] = kid.into();
        }
        Self { signing: Arc::new(signing), kid: kid.map(str::to_owned), jwk }
    }

    /// The same key, published with `member` as `value`; with `null`, without.
    pub(super) fn with(mut self, member: &str, value: Value) -> Self {
        if value.is_null() {
            self.jwk.as_object_mut().unwrap().remove(member);
        } else {
            self.jwk[member] = value;
        }
        self
    }

    /// A JWT of `issuer` for `user`.
    pub(super) fn sign(&self, issuer: &str, user: &str, clock: &TestClock) -> String {
        self.sign_with(&json!({}), issuer, user, clock)
    }

    /// The same, with more in its header.
    pub(super) fn sign_with(&self, more: &Value, issuer: &str, user: &str, clock: &TestClock) -> String {
        let mut header = json!({ "alg": format!("{:?}", self.signing.algorithm), "kid": self.kid });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut claims = claims(user, clock);
        (claims["iss"], claims["aud"]) = (issuer.into(), AUDIENCE.into());
        // No two are the same.
        claims["jti"] = TOKENS.fetch_add(1, Ordering::SeqCst).into();
        sign_with_header(&header, &claims, &self.signing)
    }
}
