//! The head of a request: everything but its body.

use http::{Extensions, HeaderMap, HeaderName, Method, Request, Uri, request::Parts};
use tenantry_core::values::error::Error;

use super::cookie;

/// The head of a request, to be looked at.
///
/// ```
/// use http::Request;
/// use tenantry_tower::Head;
///
/// let request = Request::get("/notes").header("cookie", "theme=dark; session=abc").body(()).unwrap();
/// assert_eq!(Head::of(&request).cookie("session").unwrap(), Some("abc"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    /// The head of `request`.
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's URI, as the layer sees it: inside of axum's `nest`, the prefix is gone.
    #[must_use]
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request's headers.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// What layers further out have put into the request.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// The value of the header, if the request has it once and it is text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok() }
    }

    /// The value of the cookie of this name; `None` if there is none.
    ///
    /// # Errors
    /// `invalid_token`, if there are several. Any page of a neighbouring subdomain can set a second one, and nobody can
    /// tell which is the user's.
    pub fn cookie(&self, name: &str) -> Result<Option<&'a str>, Error> {
        cookie::find(self.headers, name)
    }
}

impl<'a> From<&'a Parts> for Head<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions }
    }
}
