//! A JWT, taken apart and not believed yet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use tenantry_core::values::error::Error;

use super::unique_members::{self, NotAnObject};
use crate::request::credential::invalid;

/// The parts of a JWT. Nothing of them is true before a key has verified the signature; only which issuer's keys are
/// to be asked is taken from them before.
pub(super) struct Token<'a> {
    pub(super) header: Header,
    /// What is signed: the header and the claims as they were sent.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
}

/// What matters of a JWT's header.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    /// What kind of token it says to be.
    pub(super) typ: Option<String>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(jwt: &'a str) -> Result<Self, Error> {
        let (message, signature) = jwt.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
        Ok(Self {
            header: Header::parse(object(header)?)?,
            message,
            signature: decoded(signature)?,
            claims: object(claims)?,
        })
    }
}

impl Header {
    fn parse(mut members: Map<String, Value>) -> Result<Self, Error> {
        if members.contains_key("crit") {
            return Err(invalid("the token demands an extension (crit) that is not understood here"));
        }
        // An algorithm that jsonwebtoken does not know, such as `none`, is none to it.
        let algorithm = members.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
        let mut text = |name| match members.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed()),
        };
        Ok(Self { algorithm: algorithm.ok_or_else(malformed)?, kid: text("kid")?, typ: text("typ")? })
    }
}

/// The JSON object that is a part of a JWT.
fn object(part: &str) -> Result<Map<String, Value>, Error> {
    unique_members::object(&decoded(part)?).map_err(|error| match error {
        NotAnObject::Malformed => malformed(),
        NotAnObject::Doubled => {
            invalid("the token's header or its claims have a member twice, which can mean two things")
        }
    })
}

fn decoded(part: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())
}

fn malformed() -> Error {
    invalid("the token is not a JWT: send the one that the identity provider gave")
}
