//! Tells caches by which request headers an answer was decided (RFC 9110, 12.5.5).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, Entry, VARY},
};

use crate::Choice;

/// The value for hosts that choose no other header. A static value has no count of references that cores would share.
const DEFAULT: HeaderValue = HeaderValue::from_static("authorization, x-organization-id");
const CREDENTIAL_ALONE: HeaderValue = HeaderValue::from_static("authorization");

/// The headers that the layer decides by, as a value of `Vary`. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Vary(HeaderValue);

impl Vary {
    /// Of these headers, each once.
    pub(crate) fn by<'a>(headers: impl IntoIterator<Item = &'a HeaderName>) -> Self {
        let mut names: Vec<HeaderName> = Vec::new();
        for header in headers {
            if !names.contains(header) {
                names.push(header.clone());
            }
        }
        match &names[..] {
            [one] if *one == AUTHORIZATION => Self(CREDENTIAL_ALONE),
            [credential, one] if *credential == AUTHORIZATION && *one == Choice::HEADER => Self(DEFAULT),
            _ => {
                let names = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
                // Names of headers are values of headers. "*" would be true as well, of any answer.
                Self(HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static("*")))
            }
        }
    }

    /// Adds to a response what its `Vary` does not hold yet.
    pub(crate) fn add(self, response: &mut HeaderMap) {
        // An error says that the response has as many headers as can be; then none is added.
        match response.try_entry(VARY) {
            Ok(Entry::Vacant(vacant)) => {
                let _ = vacant.try_insert(self.0);
            }
            Ok(Entry::Occupied(mut occupied)) => {
                let held = |wanted: &str| {
                    let values = occupied.iter().filter_map(|value| value.to_str().ok());
                    values.flat_map(elements).any(|name| name == "*" || name.eq_ignore_ascii_case(wanted))
                };
                let wanted = self.0.to_str().unwrap_or_default();
                let missing: Vec<_> = elements(wanted).filter(|name| !held(name)).collect();
                if let Some(missing) = (!missing.is_empty()).then(|| missing.join(", "))
                    && let Ok(value) = HeaderValue::try_from(missing)
                {
                    occupied.append(value);
                }
            }
            Err(_) => {}
        }
    }
}

/// The elements of a list in a header.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn added(vary: &Vary, set: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in set {
            headers.append(VARY, HeaderValue::from_static(value));
        }
        vary.clone().add(&mut headers);
        headers.get_all(VARY).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_twice() {
        let vary = Vary::by([&AUTHORIZATION, &Choice::HEADER, &Choice::HEADER]);
        assert_eq!(added(&vary, &[]), ["authorization, x-organization-id"]);
        assert_eq!(added(&vary, &["Accept"]), ["Accept", "authorization, x-organization-id"]);
        assert_eq!(added(&vary, &["origin", "accept, Authorization"])[2..], ["x-organization-id"]);
        assert_eq!(added(&vary, &["X-Organization-Id,AUTHORIZATION"]), ["X-Organization-Id,AUTHORIZATION"]);
        assert_eq!(added(&vary, &["*"]), ["*"]);
    }

    #[test]
    fn it_names_the_headers_of_the_choices() {
        assert_eq!(added(&Vary::by([&AUTHORIZATION]), &[]), ["authorization"]);
        let own = HeaderName::from_static("x-tenant");
        assert_eq!(
            added(&Vary::by([&AUTHORIZATION, &own, &Choice::HEADER]), &[]),
            ["authorization, x-tenant, x-organization-id"]
        );
        assert_eq!(added(&Vary::by([&COOKIE, &AUTHORIZATION, &COOKIE]), &[]), ["cookie, authorization"]);
    }
}
