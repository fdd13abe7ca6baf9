//! The credential of a request: who claims to be calling, before anything is looked up.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use tenantry_core::{
    access::caller::Presented,
    secret::{ApiTokenSecret, Plain},
    values::{
        error::{Error, ErrorKind},
        limits,
    },
};

/// What Basic credentials are encoded in. Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request presents.
pub(crate) enum Credential<'a> {
    /// A user's JWT, not verified yet.
    Jwt(&'a str),
    /// An API token's key and the hash of its secret, not looked up yet.
    Token(Presented),
}

/// The request's one `Authorization` header; `None` if it has none.
pub(crate) fn header(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("there are several Authorization headers: send one"));
    }
    if value.len() > limits::CREDENTIAL_BYTES_MAX {
        return Err(too_long());
    }
    Ok(Some(value))
}

/// A credential that stands elsewhere than in `Authorization`, if it is not too long.
#[cfg(feature = "jwt")]
pub(crate) fn of_bounded_length(credential: &str) -> Result<&str, Error> {
    if credential.len() > limits::CREDENTIAL_BYTES_MAX { Err(too_long()) } else { Ok(credential) }
}

/// Reads `Bearer <jwt>`, `Bearer <key>:<secret>` or `Basic base64(<key>:<secret>)`.
pub(crate) fn parse(value: &HeaderValue) -> Result<Credential<'_>, Error> {
    let text = value.to_str().map_err(|_| invalid("the credential has characters that no credential has"))?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("Bearer") {
        if rest.is_empty() {
            return Err(invalid("nothing follows Bearer: send Authorization: Bearer <token>"));
        }
        match rest.split_once(':') {
            Some((key, secret)) if key.starts_with("tk_") => presented(key, secret).map(Credential::Token),
            _ if rest.starts_with("tk_") => {
                Err(invalid("the API token has no secret: send Authorization: Bearer <key>:<secret>"))
            }
            _ => Ok(Credential::Jwt(rest)),
        }
    } else if scheme.eq_ignore_ascii_case("Basic") {
        let malformed = || invalid("the Basic credential is malformed: send Basic base64(<key>:<secret>)");
        let decoded = BASE64.decode(rest).map_err(|_| malformed())?;
        let decoded = Plain::new(String::from_utf8(decoded).map_err(|_| malformed())?);
        let (key, secret) = decoded.expose().split_once(':').ok_or_else(malformed)?;
        presented(key, secret).map(Credential::Token)
    } else {
        let detail =
            "the scheme of the Authorization header is unknown: send Bearer <token>, or Basic with an API token";
        Err(Error::new(ErrorKind::Unauthenticated, detail))
    }
}

fn presented(key: &str, secret: &str) -> Result<Presented, Error> {
    let key = key.parse().map_err(|_| invalid("the API token is malformed: send <key>:<secret> as it was shown"))?;
    let secret = ApiTokenSecret::presented(secret).ok_or_else(too_long)?.hashed();
    Ok(Presented::new(key, secret))
}

/// The credential is refused; `detail` tells the mend and repeats nothing of it.
pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidToken, detail)
}

fn too_long() -> Error {
    let max = limits::CREDENTIAL_BYTES_MAX;
    invalid(format!("the credential is too long: it has at most {max} bytes"))
}

#[cfg(test)]
mod tests {
    use tenantry_core::secret::Hashed;

    use super::*;

    const KEY: &str = "tk_live_000000000000000000000000000000000";

    fn read(text: &str) -> Result<Option<Presented>, ErrorKind> {
        match parse(&HeaderValue::from_str(text).unwrap()) {
            Ok(Credential::Jwt(_)) => Ok(None),
            Ok(Credential::Token(presented)) => Ok(Some(presented)),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn each_form_is_read() {
        let basic = BASE64.encode(format!("{KEY}:ts_a:b"));
        for text in [format!("Bearer {KEY}:ts_a:b"), format!("bEARER   {KEY}:ts_a:b"), format!("basic {basic}")] {
            let presented = read(&text).unwrap().unwrap();
            assert_eq!(presented.key.to_string(), KEY);
            assert_eq!(presented.secret, Hashed::of("ts_a:b"));
        }
        for spare in ["ts_a:b", "ts_a:bc", "ts_a:bcd"] {
            let padded = BASE64.encode(format!("{KEY}:{spare}"));
            for basic in [padded.as_str(), padded.trim_end_matches('=')] {
                assert_eq!(read(&format!("Basic {basic}")).unwrap().unwrap().secret, Hashed::of(spare), "{basic}");
            }
        }
        assert!(read("Bearer a.b.c").unwrap().is_none());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let basic = BASE64.encode("no colon");
        let bad_key = BASE64.encode("user:password");
        for text in [
            "Bearer",
            "Bearer ",
            "Bearer tk_live_x:y",
            &format!("Bearer {KEY}"),
            "Basic",
            "Basic ***",
            &format!("Basic {basic}"),
            &format!("Basic {bad_key}"),
        ] {
            assert_eq!(read(text).unwrap_err(), ErrorKind::InvalidToken, "{text}");
        }
        for text in ["Digest x", "token", ""] {
            assert_eq!(read(text).unwrap_err(), ErrorKind::Unauthenticated, "{text}");
        }
        assert!(parse(&HeaderValue::from_bytes(b"Bearer \xff").unwrap()).is_err());
    }

    #[test]
    fn there_is_one_header_of_bounded_length() {
        let mut headers = HeaderMap::new();
        assert!(header(&headers).unwrap().is_none());
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a.b.c"));
        assert!(header(&headers).unwrap().is_some());
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a.b.c"));
        assert_eq!(header(&headers).unwrap_err().kind(), ErrorKind::InvalidToken);
        let long = "a".repeat(limits::CREDENTIAL_BYTES_MAX + 1);
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&long).unwrap());
        assert_eq!(header(&headers).unwrap_err().kind(), ErrorKind::InvalidToken);
    }
}
