//! A JWT, taken apart and not believed yet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Header;
use serde_json::{Map, Value};
use tenantry_core::error::Error;

use crate::credential::invalid;

/// The parts of a JWT. Nothing of them is true before a key has verified the signature; only which issuer's keys are
/// to be asked is taken from them before.
pub(super) struct Token<'a> {
    pub(super) header: Header,
    /// What is signed: the header and the claims as they were sent.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(jwt: &'a str) -> Result<Self, Error> {
        let malformed = || invalid("the token is not a JWT: send the one that the identity provider gave");
        let (message, signature) = jwt.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        // An algorithm that jsonwebtoken does not know, such as `none`, is no header to it.
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
        if header.crit.is_some() {
            return Err(invalid("the token demands an extension (crit) that is not understood here"));
        }
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| malformed())?;
        Ok(Self { header, message, signature: decode(signature)?, claims })
    }
}
