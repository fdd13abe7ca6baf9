//! From a JSON Web Key Set to keys that can be used.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, crypto::CryptoProvider};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::fetch::FetchError;
use crate::{
    jwt::{self, key_set::VerificationKey, keys::bits},
    limits::{self, JWKS_KEYS_MAX},
};

/// What an issuer publishes, as far as it can be used.
pub(super) struct Published {
    pub(super) keys: Vec<VerificationKey>,
    /// What tells each key, with all that matters about it, from every other.
    pub(super) ids: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Document {
    // Each is read by itself, so that a malformed one does not spoil the others.
    keys: Vec<Value>,
}

/// RFC 7517, 7518 and 8037, as far as they concern keys that verify.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    d: Option<IgnoredAny>,
}

/// Why a key is not taken.
#[derive(Debug, PartialEq, Eq)]
enum Skip {
    /// It is for something else, and many issuers publish such.
    Other,
    /// It ought not to be there like this.
    Bad(&'static str),
}

/// The keys of `set`; `rsa_algorithms` is what an RSA key may be used for that does not say.
pub(super) fn read(
    set: &[u8],
    issuer: &str,
    rsa_algorithms: &[jwt::Algorithm],
    provider: &CryptoProvider,
) -> Result<Published, FetchError> {
    let Document { keys } = serde_json::from_slice(set).map_err(|_| FetchError::Malformed("a JSON Web Key Set"))?;
    if keys.len() > limits::JWKS_KEYS_MAX {
        tracing::warn!(
            issuer,
            keys = keys.len(),
            "an issuer publishes more than {JWKS_KEYS_MAX} keys: the rest is not used"
        );
    }
    let mut published = Published { keys: Vec::new(), ids: BTreeSet::new() };
    for key in keys.into_iter().take(limits::JWKS_KEYS_MAX) {
        let jwk: Result<Jwk, _> = serde_json::from_value(key);
        let kid = jwk.as_ref().ok().and_then(|jwk| jwk.kid.clone());
        let taken = jwk.map_err(|_| Skip::Bad("malformed")).and_then(|jwk| take(&jwk, rsa_algorithms, provider));
        match taken {
            Ok((keys, id)) => {
                published.keys.extend(keys);
                published.ids.insert(id);
            }
            Err(Skip::Other) => tracing::debug!(issuer, kid, "a key is not for signatures that are known here"),
            Err(Skip::Bad(why)) => tracing::warn!(issuer, kid, why, "a key of an issuer is not used"),
        }
    }
    if published.keys.is_empty() { Err(FetchError::NoKeys) } else { Ok(published) }
}

/// The key for each algorithm that it may be used for, and its id.
fn take(
    jwk: &Jwk,
    rsa_algorithms: &[jwt::Algorithm],
    provider: &CryptoProvider,
) -> Result<(Vec<VerificationKey>, String), Skip> {
    let signs = jwk.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    if jwk.kty == "oct" {
        return Err(Skip::Bad("it is symmetric: whoever reads the set could sign"));
    }
    if !signs {
        return Err(Skip::Other);
    }
    if jwk.d.is_some() {
        return Err(Skip::Bad("it is a private key: whoever reads the set could sign"));
    }
    let implied: Vec<Algorithm> = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => rsa_algorithms.iter().map(|algorithm| algorithm.of_crate()).collect(),
        ("EC", Some("P-256")) => vec![Algorithm::ES256],
        ("EC", Some("P-384")) => vec![Algorithm::ES384],
        ("OKP", Some("Ed25519")) => vec![Algorithm::EdDSA],
        _ => return Err(Skip::Other),
    };
    let algorithms = match jwk.alg.as_deref() {
        None => implied,
        // RFC 9864 calls EdDSA with this curve by the curve's name.
        Some("Ed25519") if implied == [Algorithm::EdDSA] => implied,
        Some(named) => {
            let named: Algorithm = named.parse().map_err(|_| Skip::Other)?;
            let fits = match named.family() {
                AlgorithmFamily::Rsa => jwk.kty == "RSA",
                _ => implied == [named],
            };
            if !fits {
                return Err(Skip::Bad("its alg does not fit its type"));
            }
            vec![named]
        }
    };
    let key = material(jwk)?;
    let id = format!("{:?} {algorithms:?} {} {} {} {}", jwk.kid, jwk.n, jwk.e, jwk.x, jwk.y);
    let usable = |algorithm| VerificationKey::new(provider, algorithm, jwk.kid.clone(), key.clone());
    let usable: Option<Vec<_>> = algorithms.into_iter().map(usable).collect();
    usable.map(|usable| (usable, id)).ok_or(Skip::Bad("its numbers do not make a key"))
}

fn material(jwk: &Jwk) -> Result<DecodingKey, Skip> {
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Skip::Bad("its numbers are malformed"));
    let length = Skip::Bad("its numbers have the wrong length");
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let (modulus, exponent) = (decode(&jwk.n)?, decode(&jwk.e)?);
            if bits(&modulus) < limits::RSA_BITS_MIN {
                return Err(Skip::Bad("it is an RSA key of less than 2048 bits"));
            }
            let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
            if !is_odd || bits(&exponent) < 2 {
                return Err(Skip::Bad("its exponent is even or 1"));
            }
            Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
        }
        ("EC", curve) => {
            let bytes = if curve == Some("P-256") { 32 } else { 48 };
            if decode(&jwk.x)?.len() != bytes || decode(&jwk.y)?.len() != bytes {
                return Err(length);
            }
            DecodingKey::from_ec_components(&jwk.x, &jwk.y).map_err(|_| Skip::Bad("its numbers are malformed"))
        }
        _ => {
            let key = decode(&jwk.x)?;
            if key.len() == 32 { Ok(DecodingKey::from_ed_der(&key)) } else { Err(length) }
        }
    }
}
