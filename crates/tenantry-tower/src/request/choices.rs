//! The host's choices, checked, and what a request says by each of them.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{COOKIE, HOST},
};
use tenantry_core::values::error::{Error, ErrorKind};

use crate::{
    BuildError, Choice, Head,
    keyed_hash::Hashing,
    request::choice::{HostChoice, Names, OrganizationName, Remembered},
};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The host's choices, checked.
#[derive(Debug)]
pub(crate) struct Choices {
    /// In the host's order.
    ways: Vec<Way>,
    /// Whether the user's only organization is meant where nothing names one.
    pub(crate) only: bool,
}

#[derive(Debug)]
enum Way {
    Header(HeaderName),
    /// What precedes the segment.
    Path(String),
    /// The base domain with a dot before it, in lower case, and the header that is read.
    Subdomain(String, HeaderName),
    Query(String),
    Claim,
    RememberedClaim,
    Cookie(String),
    Host(HostChoice),
}

impl Way {
    fn new(choice: &Choice) -> Result<Self, BuildError> {
        let suffix = |base: &str| {
            let is_name =
                base.contains('.') && !base.starts_with('.') && !base.ends_with('.') && !base.contains([':', '/']);
            let mend = || BuildError::new(format!("{base:?} is no domain: write it like \"ledgerly.example\""));
            is_name.then(|| format!(".{}", base.to_ascii_lowercase())).ok_or_else(mend)
        };
        let named = |name: &str, what: &str| {
            let mend =
                || BuildError::new(format!("the {what} by which an organization is chosen has no name: give one"));
            (!name.is_empty()).then(|| name.to_owned()).ok_or_else(mend)
        };
        Ok(match choice {
            Choice::Header(name) => Self::Header(name.clone()),
            Choice::PathParameter(pattern) => Self::Path(prefix(pattern)?),
            Choice::Subdomain(base) => Self::Subdomain(suffix(base)?, HOST),
            Choice::ForwardedSubdomain(base) => Self::Subdomain(suffix(base)?, FORWARDED_HOST),
            Choice::QueryParameter(name) => Self::Query(named(name, "query parameter")?),
            Choice::Claim => Self::Claim,
            Choice::RememberedClaim => Self::RememberedClaim,
            Choice::Cookie(name) => Self::Cookie(named(name, "cookie")?),
            Choice::Host(choice) => Self::Host(choice.clone()),
            Choice::Only => {
                let mend = "choose(…) has Choice::Only before others, which would never be heard: put it last, once";
                return Err(BuildError::new(mend));
            }
        })
    }

    fn is_remembered(&self) -> bool {
        match self {
            Self::RememberedClaim | Self::Cookie(_) => true,
            Self::Host(choice) => choice.is_remembered,
            Self::Header(_) | Self::Path(_) | Self::Subdomain(..) | Self::Query(_) | Self::Claim => false,
        }
    }

    /// What the request says in this way; nothing of a claim, which is known when its JWT is verified.
    fn said<'a>(&self, head: Head<'a>) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let bytes = |text: Cow<'a, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Ok(match self {
            Self::Header(name) => one(head.headers(), name)?.map(|value| Cow::Borrowed(value.as_bytes())),
            Self::Path(prefix) => segment(head.uri().path(), prefix).map(|text| Cow::Borrowed(text.as_bytes())),
            Self::Subdomain(suffix, header) => {
                host(head, header)?.and_then(|host| label(host, suffix)).map(|label| Cow::Owned(label.into_bytes()))
            }
            Self::Query(name) => parameter(head.uri(), name)?.map(bytes),
            // Of several cookies nobody can tell which is the user's: nothing is remembered.
            Self::Cookie(name) => head.cookie(name).ok().flatten().map(|text| Cow::Borrowed(text.as_bytes())),
            Self::Host(choice) => (choice.find)(head)?.map(|text| Cow::Owned(text.into_bytes())),
            Self::Claim | Self::RememberedClaim => None,
        })
    }

    /// What an answer depends on that is asked in this way.
    fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Header(name) => Some(name.clone()),
            Self::Cookie(_) => Some(COOKIE),
            // Caches distinguish hosts by themselves.
            Self::Subdomain(_, header) => Some(header.clone()).filter(|header| *header != HOST),
            Self::Path(_) | Self::Query(_) | Self::Claim | Self::RememberedClaim | Self::Host(_) => None,
        }
    }

    /// Where the organization stands, for people.
    fn place(&self) -> String {
        match self {
            Self::Header(name) => as_written(name),
            Self::Path(prefix) => format!("the path {prefix}{{organization}}"),
            Self::Subdomain(suffix, _) => format!("the address {{organization}}{suffix}"),
            Self::Query(name) => format!("the parameter {name}"),
            Self::Claim | Self::RememberedClaim => "the token".to_owned(),
            Self::Cookie(name) => format!("the cookie {name}"),
            Self::Host(_) => "this service".to_owned(),
        }
    }
}

impl Choices {
    pub(crate) fn new(choices: &[Choice]) -> Result<Self, BuildError> {
        let (only, named) = match choices {
            [] => {
                return Err(BuildError::new("choose(…) names no way to choose an organization: name at least one"));
            }
            [named @ .., Choice::Only] => (true, named),
            named => (false, named),
        };
        Ok(Self { ways: named.iter().map(Way::new).collect::<Result<_, _>>()?, only })
    }

    /// Whether the organization claim of a JWT limits it.
    pub(crate) fn has_claim(&self) -> bool {
        self.ways.iter().any(|way| matches!(way, Way::Claim))
    }

    /// The headers that are looked at.
    pub(crate) fn headers(&self) -> Vec<HeaderName> {
        self.ways.iter().filter_map(Way::header).collect()
    }

    /// Adds to a cache key everything that these choices look at in a request.
    pub(crate) fn hash(&self, head: Head<'_>, hashing: &mut Hashing) -> Result<(), Error> {
        for way in &self.ways {
            hashing.add(way.said(head)?.as_deref());
        }
        Ok(())
    }

    /// What the request itself names. Its JWT, if the claim speaks, is asked when it is verified.
    pub(crate) fn names(&self, head: Head<'_>) -> Result<Names, Error> {
        let mut names = Names::default();
        let mut agree = true;
        for way in &self.ways {
            if matches!(way, Way::RememberedClaim) {
                names.remembered.push(Remembered::Claim);
            }
            let Some(said) = way.said(head)? else { continue };
            let meant = std::str::from_utf8(&said).ok().and_then(OrganizationName::parse);
            match (way, meant) {
                (way, meant) if way.is_remembered() => names.remembered.extend(meant.map(Remembered::Name)),
                (_, Some(meant)) => agree &= names.add(&meant),
                (Way::Header(name), None) => {
                    return Err(field(name, "invalid", "give an organization's id or its slug"));
                }
                (_, None) => return Err(Error::not_found("organization")),
            }
        }
        if agree { Ok(names) } else { Err(self.contradictory()) }
    }

    /// What speaks names different organizations.
    pub(crate) fn contradictory(&self) -> Error {
        let ways: Vec<_> = self.ways.iter().filter(|way| !way.is_remembered()).map(Way::place).collect();
        let detail =
            format!("the request names different organizations ({}): name one, or the same in each", ways.join(", "));
        let header = self.ways.iter().find_map(|way| if let Way::Header(name) = way { Some(name) } else { None });
        match header {
            Some(name) => field(name, "contradictory", &detail),
            None => Error::new(ErrorKind::InvalidRequest, detail),
        }
    }

    /// The user must say which organization they mean: by the first of the ways that are open to them.
    pub(crate) fn unsaid(&self) -> Error {
        let open = self
            .ways
            .iter()
            .find(|way| matches!(way, Way::Header(_) | Way::Path(_) | Way::Subdomain(..) | Way::Query(_)));
        match open {
            Some(Way::Header(name)) => {
                let detail = "say which of your organizations you mean, by its id or its slug";
                Error::organization_required(as_written(name), detail)
            }
            Some(way) => Error::new(
                ErrorKind::OrganizationRequired,
                format!("say which organization you mean, in {}", way.place()),
            ),
            None => Error::new(ErrorKind::OrganizationRequired, "choose which of your organizations you mean"),
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

/// The host name that the request is for. A handler may look at the URI or at `Host`: both must say the same.
fn host<'a>(head: Head<'a>, header: &HeaderName) -> Result<Option<&'a str>, Error> {
    let said = one(head.headers(), header)?.and_then(|value| value.to_str().ok());
    let said = said.map(|host| host.split(':').next().unwrap_or_default());
    let of_uri = head.uri().authority().filter(|_| *header == HOST).map(http::uri::Authority::host);
    match (of_uri, said) {
        (Some(of_uri), Some(said)) if !of_uri.eq_ignore_ascii_case(said) => {
            Err(field(header, "contradictory", "the request names two hosts: name one"))
        }
        (of_uri, said) => Ok(of_uri.or(said)),
    }
}

/// What precedes `suffix` in a host name, in lower case.
fn label(host: &str, suffix: &str) -> Option<String> {
    let host = host.trim().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    host.strip_suffix(suffix).filter(|label| !label.is_empty()).map(str::to_owned)
}

/// The value of the one parameter of the query that is called `name`.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(Error::invalid_field(name, "too_many", "name the organization once"));
    }
    Ok(value.filter(|value| !value.is_empty()))
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
    use http::Request;

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
    fn a_host_name_s_label_is_what_precedes_the_base_domain() {
        let suffix = ".ledgerly.example";
        for (host, expected) in [
            ("acme.ledgerly.example", Some("acme")),
            ("ACME.Ledgerly.Example.", Some("acme")),
            ("a.b.ledgerly.example", Some("a.b")),
            ("ledgerly.example", None),
            (".ledgerly.example", None),
            ("acme.ledgerly.example.evil.example", None),
            ("acmeledgerly.example", None),
            ("[::1]", None),
            ("", None),
        ] {
            assert_eq!(label(host, suffix).as_deref(), expected, "{host}");
        }
        for wrong in ["", "localhost", ".a.example", "a.example.", "a.example:80", "https://a.example"] {
            assert!(Choices::new(&[Choice::Subdomain(wrong.to_owned())]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_that_speaks_must_mean_the_same() {
        let choices = [Choice::Claim, Choice::Header(Choice::HEADER), Choice::PathParameter("/orgs/{o}".to_owned())];
        let choices = Choices::new(&choices).unwrap();
        assert!(choices.has_claim() && !choices.only);
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let names_of = |headers: &[&str], path: &str| {
            let request =
                headers.iter().fold(Request::get(path), |request, value| request.header(Choice::HEADER, *value));
            choices.names(Head::of(&request.body(()).unwrap()))
        };
        let names = |header: Option<&str>, path: &str| names_of(header.as_slice(), path);
        let acme = Names { slug: Some("acme".parse().unwrap()), ..Names::default() };
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
        let error = names_of(&["acme", "acme"], "/").unwrap_err();
        assert_eq!(error.fields()[0].code, "too_many");
    }
}
