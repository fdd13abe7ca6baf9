//! Cookies of a request (RFC 6265, 4.2).

use http::{HeaderMap, header::COOKIE};
use tenantry_core::values::error::Error;

use crate::request::credential::invalid;

/// The value of the one cookie that is called `name`.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Error> {
    // HTTP/2 may split them into several headers (RFC 9113, 8.2.3).
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| unquoted(value.trim()));
    let value = values.next();
    if values.next().is_some() {
        return Err(invalid(format!("there are several cookies {name}: delete all but one")));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn session(cookies: &[&'static str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        find(&headers, "session").map(|value| value.map(str::to_owned)).map_err(|error| error.code())
    }

    #[test]
    fn the_one_cookie_of_the_name_is_found() {
        for cookies in [&["session=a=b"][..], &["x=1; session=a=b;y=2"], &["x=1", "session=\"a=b\""]] {
            assert_eq!(session(cookies), Ok(Some("a=b".to_owned())), "{cookies:?}");
        }
        for cookies in [&[][..], &["Session=a"], &["session"], &["session="], &["xsession=a; session2=b"]] {
            assert_eq!(session(cookies), Ok(None), "{cookies:?}");
        }
    }

    #[test]
    fn several_cookies_of_the_name_are_refused() {
        assert_eq!(session(&["session=a; session=b"]), Err("invalid_token"));
        assert_eq!(session(&["session=a", "x=1; session=a"]), Err("invalid_token"));
    }
}
