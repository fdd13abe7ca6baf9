//! How a user's organization is chosen.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tenantry_core::values::{
    error::{Error, ErrorKind},
    ids::OrganizationId,
    slug::Slug,
};

use crate::{BuildError, keyed_hash::Hashing};

/// One way in which a request can say which organization it means.
///
/// A [`Header`](Self::Header), a [`PathParameter`](Self::PathParameter) and a [`Claim`](Self::Claim) say so in so many
/// words. If several of them speak, all must mean the same organization, or the request is refused with 400: a handler
/// that goes by one of them must not serve an organization that was checked by another. An id and the slug of the same
/// organization mean the same. What one of them says that is no id and no slug is refused, too, wherever it stands in
/// the order.
///
/// An API token means its own organization, and so must every way that speaks: 404 where they mean another, and 400
/// where they do not mean the same.
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
    /// The user's only organization, where nothing names one. It comes last.
    Only,
}

impl Choice {
    /// The header that is looked at unless the host chooses otherwise.
    pub const HEADER: HeaderName = HeaderName::from_static("x-organization-id");
}

/// The organization that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrganizationName {
    Id(OrganizationId),
    Slug(Slug),
}

impl OrganizationName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Slug)).ok()
    }
}

/// What all that speaks in a request names together. Whether an id and a slug mean the same, only the store can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) id: Option<OrganizationId>,
    pub(crate) slug: Option<Slug>,
}

impl Names {
    /// Adds one more; `false` if it means another organization: ids and slugs have one spelling, and no organization has
    /// two of either.
    #[must_use]
    pub(crate) fn add(&mut self, named: &OrganizationName) -> bool {
        match named {
            OrganizationName::Id(id) => self.id.get_or_insert(*id) == id,
            OrganizationName::Slug(slug) => self.slug.get_or_insert_with(|| slug.clone()) == slug,
        }
    }
}

/// The host's choices, checked.
#[derive(Debug)]
pub(crate) struct Choices {
    /// In the host's order.
    explicit: Vec<Explicit>,
    /// Whether the user's only organization is meant where nothing names one.
    pub(crate) only: bool,
}

#[derive(Debug)]
enum Explicit {
    Header(HeaderName),
    /// What precedes the segment.
    Path(String),
    Claim,
}

impl Choices {
    pub(crate) fn new(choices: &[Choice]) -> Result<Self, BuildError> {
        let (only, named) = match choices {
            [] => {
                let mend = "choose(…) names no way to choose an organization: name at least one";
                return Err(BuildError::new(mend.to_owned()));
            }
            [named @ .., Choice::Only] => (true, named),
            named => (false, named),
        };
        let check = |choice: &Choice| match choice {
            Choice::Header(name) => Ok(Explicit::Header(name.clone())),
            Choice::PathParameter(pattern) => prefix(pattern).map(Explicit::Path),
            Choice::Claim => Ok(Explicit::Claim),
            Choice::Only => {
                let mend = "choose(…) has Choice::Only before others, which would never be heard: put it last, once";
                Err(BuildError::new(mend.to_owned()))
            }
        };
        Ok(Self { explicit: named.iter().map(check).collect::<Result<_, _>>()?, only })
    }

    /// Whether the organization claim of a JWT speaks.
    pub(crate) fn has_claim(&self) -> bool {
        self.explicit.iter().any(|choice| matches!(choice, Explicit::Claim))
    }

    /// The headers that are looked at.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.explicit.iter().filter_map(|choice| match choice {
            Explicit::Header(name) => Some(name),
            Explicit::Path(_) | Explicit::Claim => None,
        })
    }

    /// Adds to a cache key everything that these choices look at in a request.
    pub(crate) fn hash(&self, headers: &HeaderMap, uri: &Uri, hashing: &mut Hashing) -> Result<(), Error> {
        for choice in &self.explicit {
            match choice {
                Explicit::Header(name) => hashing.add(one(headers, name)?.map(HeaderValue::as_bytes)),
                Explicit::Path(prefix) => hashing.add(segment(uri.path(), prefix).map(str::as_bytes)),
                Explicit::Claim => {}
            }
        }
        Ok(())
    }

    /// What the request itself names. Its JWT, if the claim speaks, is asked when it is verified.
    pub(crate) fn names(&self, headers: &HeaderMap, uri: &Uri) -> Result<Names, Error> {
        let mut names = Names::default();
        let mut agree = true;
        for choice in &self.explicit {
            let spoken = match choice {
                Explicit::Header(name) => {
                    let Some(value) = one(headers, name)? else { continue };
                    let spoken = value.to_str().ok().and_then(OrganizationName::parse);
                    spoken.ok_or_else(|| field(name, "invalid", "give an organization's id or its slug"))?
                }
                Explicit::Path(prefix) => {
                    let Some(segment) = segment(uri.path(), prefix) else { continue };
                    OrganizationName::parse(segment).ok_or_else(|| Error::not_found("organization"))?
                }
                Explicit::Claim => continue,
            };
            agree &= names.add(&spoken);
        }
        if agree { Ok(names) } else { Err(self.contradictory()) }
    }

    /// What speaks names different organizations.
    pub(crate) fn contradictory(&self) -> Error {
        let way = |choice: &Explicit| match choice {
            Explicit::Header(name) => as_written(name),
            Explicit::Path(prefix) => format!("the path {prefix}{{organization}}"),
            Explicit::Claim => "the token".to_owned(),
        };
        let ways = self.explicit.iter().map(way).collect::<Vec<_>>().join(", ");
        let detail = format!("the request names different organizations ({ways}): name one, or the same in each");
        match self.headers().next() {
            Some(name) => field(name, "contradictory", &detail),
            None => Error::new(ErrorKind::InvalidRequest, detail),
        }
    }

    /// The user must say which organization they mean: by the first of the ways that are open to them.
    pub(crate) fn unsaid(&self) -> Error {
        let open = self.explicit.iter().find(|choice| !matches!(choice, Explicit::Claim));
        match open {
            Some(Explicit::Header(name)) => {
                let detail = "say which of your organizations you mean, by its id or its slug";
                Error::organization_required(as_written(name), detail)
            }
            Some(Explicit::Path(prefix)) => Error::new(
                ErrorKind::OrganizationRequired,
                format!("say which organization you mean: {prefix}{{organization}}"),
            ),
            _ => Error::new(
                ErrorKind::OrganizationRequired,
                "the token does not say which of your organizations you mean",
            ),
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
        BuildError::new(format!(
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
    fn all_that_speaks_must_mean_the_same() {
        let choices = [Choice::Claim, Choice::Header(Choice::HEADER), Choice::PathParameter("/orgs/{o}".to_owned())];
        let choices = Choices::new(&choices).unwrap();
        assert!(choices.has_claim() && !choices.only);
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let names = |header: Option<&str>, path: &str| {
            let header = header.map(|value| (Choice::HEADER, HeaderValue::from_str(value).unwrap()));
            choices.names(&HeaderMap::from_iter(header), &path.parse().unwrap())
        };
        let acme = Names { id: None, slug: Some("acme".parse().unwrap()) };
        assert_eq!(names(None, "/").unwrap(), Names::default());
        for (header, path) in [(Some("acme"), "/"), (None, "/orgs/acme/x"), (Some("acme"), "/orgs/acme")] {
            assert_eq!(names(header, path).unwrap(), acme, "{header:?} {path}");
        }
        let both = Names { id: Some(id.parse().unwrap()), ..acme };
        assert_eq!(names(Some(id), "/orgs/acme").unwrap(), both);
        assert_eq!(names(Some("acme"), &format!("/orgs/{id}")).unwrap(), both);
        let error = names(Some("acme"), "/orgs/beta").unwrap_err();
        let field = &error.fields()[0];
        assert_eq!((field.field.as_str(), field.code.as_ref()), ("X-Organization-Id", "contradictory"));
        assert_eq!(names(Some("ACME"), "/orgs/beta").unwrap_err().fields()[0].code, "invalid");
        assert_eq!(names(Some("acme"), "/orgs/ACME").unwrap_err().kind(), ErrorKind::NotFound);
        let twice = [Choice::HEADER, Choice::HEADER].map(|name| (name, HeaderValue::from_static("acme")));
        let mut headers = HeaderMap::new();
        for (name, value) in twice {
            headers.append(name, value);
        }
        let error = choices.names(&headers, &Uri::from_static("/")).unwrap_err();
        assert_eq!(error.fields()[0].code, "too_many");
    }
}
