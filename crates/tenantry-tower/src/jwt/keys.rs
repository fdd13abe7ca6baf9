//! The keys that the host gives: one algorithm each.

use std::fmt;

use jsonwebtoken::{DecodingKey, crypto::CryptoProvider};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::key_set::VerificationKey;
use crate::{BuildError, limits};

/// How a JWT is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    pub(super) fn of_crate(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Hs384 => jsonwebtoken::Algorithm::HS384,
            Self::Hs512 => jsonwebtoken::Algorithm::HS512,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Rs384 => jsonwebtoken::Algorithm::RS384,
            Self::Rs512 => jsonwebtoken::Algorithm::RS512,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Ps384 => jsonwebtoken::Algorithm::PS384,
            Self::Ps512 => jsonwebtoken::Algorithm::PS512,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    #[cfg(feature = "jwks")]
    pub(super) fn family(self) -> jsonwebtoken::AlgorithmFamily {
        self.of_crate().family()
    }

    /// The least length of a secret, in bytes: that of the hash (RFC 7518, 3.2). `None`: the key is no secret.
    const fn secret_bytes_min(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }
}

/// A key that verifies JWTs of one algorithm. It does not print.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    kid: Option<String>,
    material: Result<DecodingKey, BuildError>,
}

impl Key {
    /// For HS256, HS384 and HS512, the secret's bytes: at least 32, 48 and 64. For all others, the public key as PEM.
    ///
    /// A key that cannot be used is reported by [`JwtVerifierBuilder::build`](super::JwtVerifierBuilder::build).
    ///
    /// # Danger
    /// Whoever can verify with a shared secret can also sign with it: prefer a public key where the issuer has one.
    #[must_use]
    pub fn new(algorithm: Algorithm, material: impl AsRef<[u8]>) -> Self {
        let material = material.as_ref();
        let material = match algorithm.secret_bytes_min() {
            Some(bytes_min) => secret(algorithm, material, bytes_min),
            None => public(algorithm, material),
        };
        Self { algorithm, kid: None, material }
    }

    /// Names the key: it verifies tokens with this `kid`, and those without one. A key without a name verifies tokens
    /// of any.
    #[must_use]
    pub fn kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The key, if it can be used.
    pub(super) fn usable(self, provider: &CryptoProvider) -> Result<VerificationKey, BuildError> {
        let Self { algorithm, kid, material } = self;
        VerificationKey::new(provider, algorithm.of_crate(), kid, material?).ok_or_else(|| {
            BuildError::new(format!("the key for {algorithm:?} does not fit: give one of that algorithm"))
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn secret(algorithm: Algorithm, material: &[u8], bytes_min: usize) -> Result<DecodingKey, BuildError> {
    if material.starts_with(b"-----BEGIN") {
        return Err(BuildError::new(format!(
            "the key for {algorithm:?} is a PEM file, which is no secret: name the algorithm of that key"
        )));
    }
    if material.len() < bytes_min {
        return Err(BuildError::new(format!(
            "the secret for {algorithm:?} has {} bytes: give at least {bytes_min} random ones",
            material.len()
        )));
    }
    Ok(DecodingKey::from_secret(material))
}

/// What a public key is for (RFC 3279, RFC 5480, RFC 8410).
mod oids {
    use spki::ObjectIdentifier;

    pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
}

fn public(algorithm: Algorithm, pem: &[u8]) -> Result<DecodingKey, BuildError> {
    if String::from_utf8_lossy(pem).contains("PRIVATE KEY") {
        return Err(BuildError::new(format!(
            "the key for {algorithm:?} is a private key, which does not belong here: give the public one"
        )));
    }
    let wrong = |what: &str| BuildError::new(format!("the key for {algorithm:?} is not {what}: give it as PEM"));
    // A certificate holds other bit strings too, which could be taken for the key.
    let pem = pem::parse(pem).ok().filter(|pem| ["PUBLIC KEY", "RSA PUBLIC KEY"].contains(&pem.tag()));
    let pem = pem.ok_or_else(|| wrong("a public key (-----BEGIN PUBLIC KEY-----)"))?;
    let key = if pem.tag() == "RSA PUBLIC KEY" {
        Some(PublicKey { algorithm: oids::RSA, curve: None, bytes: pem.into_contents() })
    } else {
        PublicKey::read(pem.contents())
    };
    let of = |what: &str, algorithm, curve, length: Option<usize>| {
        let fits = |key: &PublicKey| {
            (key.algorithm, key.curve) == (algorithm, curve) && length.is_none_or(|length| key.bytes.len() == length)
        };
        key.as_ref().filter(|key| fits(key)).map(|key| &key.bytes[..]).ok_or_else(|| wrong(what))
    };
    match algorithm {
        Algorithm::Es256 => of("a P-256 key", oids::EC, Some(oids::P256), Some(65)).map(DecodingKey::from_ec_der),
        Algorithm::Es384 => of("a P-384 key", oids::EC, Some(oids::P384), Some(97)).map(DecodingKey::from_ec_der),
        Algorithm::EdDsa => of("an Ed25519 key", oids::ED25519, None, Some(32)).map(DecodingKey::from_ed_der),
        _ => {
            let key = of("an RSA key", oids::RSA, None, None)?;
            if rsa_bits(key) < limits::RSA_BITS_MIN {
                return Err(wrong("an RSA key of at least 2048 bits"));
            }
            Ok(DecodingKey::from_rsa_der(key))
        }
    }
}

/// A public key as its PEM says it.
struct PublicKey {
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    /// An RSA key as a DER `RSAPublicKey`, any other as its point.
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`.
    fn read(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::try_from(der).ok()?;
        let curve = info.algorithm.parameters.and_then(|parameters| parameters.decode_as().ok());
        let bytes = info.subject_public_key.as_bytes()?.to_vec();
        Some(Self { algorithm: info.algorithm.oid, curve, bytes })
    }
}

/// The length of the modulus of a DER `RSAPublicKey`; 0 if it is none.
fn rsa_bits(der: &[u8]) -> usize {
    // SEQUENCE and INTEGER of more than 255 bytes: each has a tag, 0x82 and two bytes of length.
    let [0x30, 0x82, _, _, 0x02, 0x82, high, low, modulus @ ..] = der else { return 0 };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    modulus.get(..length).map_or(0, bits)
}

/// The length of a big-endian number, in bits.
pub(super) fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| (number.len() - zeros) * 8 - first.leading_zeros() as usize)
}
