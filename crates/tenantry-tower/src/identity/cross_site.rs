//! Requests that another site made a browser send (cross-site request forgery).
//!
//! Asked only of a credential that a browser sends by itself, such as a cookie, and only of a request that may change
//! something or that opens a WebSocket. `Sec-Fetch-Site` decides where the browser sends it; `Origin` and `Host` decide
//! elsewhere. A request with neither comes from no browser of the last years, and has nobody's cookie but its sender's.

use http::{
    HeaderName, Method, Uri,
    header::{HOST, ORIGIN, UPGRADE},
};
use tenantry_core::values::error::{Error, ErrorKind};

use crate::{BuildError, Head};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An origin whose pages may use the cookies of this service's users, such as `https://app.example.com`.
pub(super) fn origin(text: &str) -> Result<String, BuildError> {
    let uri = text
        .parse::<Uri>()
        .ok()
        .filter(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.path() == "/" && uri.query().is_none());
    let authority = uri.as_ref().and_then(Uri::authority).filter(|authority| !authority.as_str().contains('@'));
    if authority.is_none() || text.ends_with('/') {
        return Err(BuildError::new(format!("{text:?} is no origin: write it like \"https://app.example.com\"")));
    }
    Ok(text.to_ascii_lowercase())
}

/// Refuses a request that a page of a site made which is neither this one nor one of `trusted`.
pub(super) fn refuse(head: Head<'_>, trusted: &[String]) -> Result<(), Error> {
    if is_harmless(head) || is_ours(head) || is_trusted(head, trusted) {
        return Ok(());
    }
    let detail = "a page of another site made this request with the cookies of its user: make it from a page of this \
                  service, or have its operator add that page's origin to trusted_origins";
    Err(Error::new(ErrorKind::CrossSiteRequest, detail))
}

fn is_harmless(head: Head<'_>) -> bool {
    let reads = matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    reads && !head.headers().contains_key(UPGRADE)
}

fn is_ours(head: Head<'_>) -> bool {
    let headers = head.headers();
    if headers.contains_key(SEC_FETCH_SITE) {
        return matches!(head.header(&SEC_FETCH_SITE), Some("same-origin" | "none"));
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let of_page = head.header(&ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let ours = head.header(&HOST).or_else(|| head.uri().authority().map(http::uri::Authority::as_str));
    matches!((of_page, ours), (Some(of_page), Some(ours)) if of_page.eq_ignore_ascii_case(ours))
}

fn is_trusted(head: Head<'_>, trusted: &[String]) -> bool {
    head.header(&ORIGIN).is_some_and(|origin| trusted.iter().any(|known| known.eq_ignore_ascii_case(origin)))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn is_refused(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/notes");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        refuse(Head::of(&request), &["https://app.example.com".to_owned()]).is_err()
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let host = ("host", "api.example.com");
        let sites = [
            (&[("sec-fetch-site", "same-origin")][..], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://other.example.com")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://api.example.com")], true),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "https://api.example.com")], false),
            (&[("origin", "https://APP.example.com")], false),
            (&[("origin", "https://api.example.com.evil.example")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "")], true),
            (&[], false),
        ];
        for (headers, refused) in sites {
            let headers: Vec<_> = headers.iter().copied().chain([host]).collect();
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(is_refused(method.clone(), &headers), refused, "{method} {headers:?}");
            }
            assert!(!is_refused(Method::GET, &headers), "{headers:?}");
            let socket: Vec<_> = headers.iter().copied().chain([("upgrade", "websocket")]).collect();
            assert_eq!(is_refused(Method::GET, &socket), refused, "{socket:?}");
        }
        assert!(is_refused(Method::POST, &[("origin", "https://api.example.com")]));
    }

    #[test]
    fn an_origin_has_a_scheme_a_host_and_nothing_else() {
        assert_eq!(origin("https://App.example.com:8443").unwrap(), "https://app.example.com:8443");
        for wrong in ["", "app.example.com", "https://", "https://a/", "https://a/b", "ftp://a", "https://u@a", "*"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
