//! How a user's organization is chosen.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tenantry_core::{
    error::{Error, ErrorKind},
    ids::OrganizationId,
    slug::Slug,
};

use crate::{BuildError, keyed::Hashing};

/// One way in which a request can say which organization a user means.
///
/// An API token means its own. Where a [`Header`](Self::Header) or [`PathParameter`](Self::PathParameter) names
/// another, the token's caller gets 404.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// This header holds the organization's id or slug.
    Header(HeaderName),
    /// A segment of the path holds the organization's id or slug: `/orgs/{organization}` means the segment after
    /// `/orgs/`, whatever follows it.
    ///
    /// The path is the one that the layer sees: inside of axum's `nest`, the prefix is gone.
    PathParameter(String),
    /// The organization claim of the JWT; see [`ClaimNames::organization`](crate::ClaimNames::organization). A token
    /// with a claim that cannot be understood is refused.
    Claim,
    /// The user's only organization.
    Only,
}

impl Choice {
    /// The header that is looked at unless the host chooses otherwise.
    pub const HEADER: HeaderName = HeaderName::from_static("x-organization-id");
}

/// The organization that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Id(OrganizationId),
    Slug(Slug),
}

impl Named {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Slug)).ok()
    }
}

/// What a request says about its organization, in the order in which the host wants it heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The request itself names it.
    Explicit(Named),
    /// What the JWT says, if it says anything.
    Claim,
    /// The only one, if it is one.
    Only,
}

/// The host's choices, checked.
#[derive(Debug)]
pub(crate) struct Choices(Vec<Checked>);

#[derive(Debug)]
enum Checked {
    Header(HeaderName),
    /// What precedes the segment.
    Path(String),
    Claim,
    Only,
}

impl Choices {
    pub(crate) fn new(choices: &[Choice]) -> Result<Self, BuildError> {
        if choices.is_empty() {
            return Err(BuildError("choose(…) names no way to choose an organization: name at least one".to_owned()));
        }
        let check = |choice: &Choice| match choice {
            Choice::Header(name) => Ok(Checked::Header(name.clone())),
            Choice::PathParameter(pattern) => prefix(pattern).map(Checked::Path),
            Choice::Claim => Ok(Checked::Claim),
            Choice::Only => Ok(Checked::Only),
        };
        choices.iter().map(check).collect::<Result<_, _>>().map(Self)
    }

    /// Adds to a cache key everything that these choices look at in a request.
    pub(crate) fn hash(&self, headers: &HeaderMap, uri: &Uri, hashing: &mut Hashing) -> Result<(), Error> {
        for choice in &self.0 {
            match choice {
                Checked::Header(name) => hashing.add(one(headers, name)?.map(HeaderValue::as_bytes)),
                Checked::Path(prefix) => hashing.add(segment(uri.path(), prefix).map(str::as_bytes)),
                Checked::Claim | Checked::Only => {}
            }
        }
        Ok(())
    }

    /// What the request wishes, up to the first wish that decides.
    pub(crate) fn wishes(&self, headers: &HeaderMap, uri: &Uri) -> Result<Vec<Wish>, Error> {
        let mut wishes = Vec::with_capacity(self.0.len());
        for choice in &self.0 {
            match choice {
                Checked::Header(name) => {
                    let Some(value) = one(headers, name)? else { continue };
                    let named = value.to_str().ok().and_then(Named::parse);
                    let named = named.ok_or_else(|| field(name, "invalid", "give an organization's id or its slug"))?;
                    wishes.push(Wish::Explicit(named));
                    break;
                }
                Checked::Path(prefix) => {
                    let Some(segment) = segment(uri.path(), prefix) else { continue };
                    let named = Named::parse(segment).ok_or_else(|| Error::not_found("organization"))?;
                    wishes.push(Wish::Explicit(named));
                    break;
                }
                Checked::Claim => wishes.push(Wish::Claim),
                Checked::Only => {
                    wishes.push(Wish::Only);
                    break;
                }
            }
        }
        Ok(wishes)
    }

    /// Whether the organization claim of a JWT speaks.
    pub(crate) fn has_claim(&self) -> bool {
        self.0.iter().any(|choice| matches!(choice, Checked::Claim))
    }

    /// The user must say which organization they mean: by the first of the ways that are open to them.
    pub(crate) fn unsaid(&self) -> Error {
        let explicit = self.0.iter().find(|choice| matches!(choice, Checked::Header(_) | Checked::Path(_)));
        match explicit {
            Some(Checked::Header(name)) => {
                field(name, "required", "say which of your organizations you mean, by its id or its slug")
            }
            Some(Checked::Path(prefix)) => Error::new(
                ErrorKind::InvalidRequest,
                format!("say which organization you mean: {prefix}{{organization}}"),
            ),
            _ => Error::new(ErrorKind::InvalidRequest, "the token does not say which of your organizations you mean"),
        }
    }
}

/// The header's one value.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Error> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() { Err(field(name, "too_many", "send this header once")) } else { Ok(value) }
}

fn field(name: &HeaderName, code: &'static str, detail: &str) -> Error {
    Error::invalid_field(as_written(name), code, detail)
}

/// A header's name as people write it.
fn as_written(name: &HeaderName) -> String {
    let mut first = true;
    name.as_str()
        .chars()
        .map(|character| {
            let written = if first { character.to_ascii_uppercase() } else { character };
            first = character == '-';
            written
        })
        .collect()
}

/// The segment of `path` that follows `prefix`, if it is not empty.
fn segment<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    rest.split('/').next().filter(|segment| !segment.is_empty())
}

/// What precedes the one parameter of `pattern`.
fn prefix(pattern: &str) -> Result<String, BuildError> {
    let mend = || {
        BuildError(format!(
            "{pattern:?} does not say where the organization stands: write it like \"/orgs/{{organization}}\""
        ))
    };
    let (prefix, rest) = pattern.split_once('{').ok_or_else(mend)?;
    let (name, rest) = rest.split_once('}').ok_or_else(mend)?;
    let whole_segment = prefix.starts_with('/') && prefix.ends_with('/') && (rest.is_empty() || rest.starts_with('/'));
    if whole_segment && !name.is_empty() && !prefix.contains('}') && !rest.contains(['{', '}']) {
        Ok(prefix.to_owned())
    } else {
        Err(mend())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_whole_segment() {
        assert_eq!(prefix("/orgs/{organization}").unwrap(), "/orgs/");
        assert_eq!(prefix("/v1/{org}/things").unwrap(), "/v1/");
        for wrong in ["", "/orgs", "orgs/{o}", "/orgs/{}", "/orgs-{o}", "/a/{b}c", "/a/{b}/{c}", "/a/{b"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
        assert_eq!(segment("/orgs/acme/x", "/orgs/"), Some("acme"));
        assert_eq!(segment("/orgs/acme", "/orgs/"), Some("acme"));
        assert_eq!(segment("/orgs/", "/orgs/"), None);
        assert_eq!(segment("/other", "/orgs/"), None);
    }

    #[test]
    fn wishes_end_where_they_decide() {
        let choices = [Choice::Claim, Choice::Header(Choice::HEADER), Choice::Only];
        let choices = Choices::new(&choices).unwrap();
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/");
        assert_eq!(choices.wishes(&headers, &uri).unwrap(), [Wish::Claim, Wish::Only]);
        headers.insert(Choice::HEADER, HeaderValue::from_static("acme"));
        let acme = Named::Slug("acme".parse().unwrap());
        assert_eq!(choices.wishes(&headers, &uri).unwrap(), [Wish::Claim, Wish::Explicit(acme)]);
        headers.insert(Choice::HEADER, HeaderValue::from_static("ACME"));
        let error = choices.wishes(&headers, &uri).unwrap_err();
        assert_eq!(error.fields()[0].field, "X-Organization-Id");
        headers.append(Choice::HEADER, HeaderValue::from_static("acme"));
        assert_eq!(choices.wishes(&headers, &uri).unwrap_err().fields()[0].code, "too_many");
    }
}
