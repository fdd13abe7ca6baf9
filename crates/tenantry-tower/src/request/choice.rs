//! How a user's organization is chosen.

use std::{fmt, sync::Arc};

use http::HeaderName;
use tenantry_core::values::{error::Error, ids::OrganizationId, slug::Slug};

use crate::Head;

/// One way in which a request can say which organization it means.
///
/// Some are **explicit**: a [`Header`](Self::Header), a [`PathParameter`](Self::PathParameter), a
/// [`Subdomain`](Self::Subdomain), a [`QueryParameter`](Self::QueryParameter), a [`Claim`](Self::Claim) and what the host
/// finds out [itself](Self::with). If several of them speak, all must mean the same organization, or the request is refused
/// with 400: a handler that goes by one of them must not serve an organization that was checked by another. An id and the
/// slug of the same organization mean the same. An organization that the user may not see is 404.
///
/// Some are **remembered**: a [`Cookie`](Self::Cookie), a [`RememberedClaim`](Self::RememberedClaim) and what the host
/// [remembers](Self::remembered_with). They are asked in the host's order where nothing explicit speaks. What is remembered
/// may be out of date: an organization that the user may not see (any more), or that is suspended, counts as not said, and
/// the next way is asked.
///
/// An API token means its own organization, and so must every explicit way that speaks: 404 where they mean another, and
/// 400 where they do not mean the same.
#[derive(Clone)]
#[non_exhaustive]
pub enum Choice {
    /// This header holds the organization's id or slug. Explicit.
    Header(HeaderName),
    /// A segment of the path holds the organization's id or slug: `/orgs/{organization}` means the segment after
    /// `/orgs/`, whatever follows it. Explicit.
    ///
    /// The path is the one that the layer sees: inside of axum's `nest`, the prefix is gone.
    PathParameter(String),
    /// The first label of the host name is the organization's slug (or its id): with `ledgerly.example`, a request to
    /// `acme.ledgerly.example` means `acme`. Explicit.
    ///
    /// The host name is that of the request's URI (`:authority` in HTTP/2) or of its `Host`, without port and case; a
    /// request in which they differ is refused. The base domain itself and names that do not end with it say nothing.
    Subdomain(String),
    /// The same by `X-Forwarded-Host`, for a service behind a proxy that changes `Host`.
    ///
    /// # Danger
    /// A client can send that header itself. The proxy must set it, whatever its client sends.
    ForwardedSubdomain(String),
    /// A parameter of the query holds the organization's id or slug: for links. Explicit.
    ///
    /// # Danger
    /// Links are sent around, and are kept in histories, logs and `Referer` headers. Whoever follows one acts in the
    /// organization that its author chose, if they belong to it: show them which one it is before they change something.
    QueryParameter(String),
    /// The organization claim of the JWT; see `ClaimNames::organization`. Explicit: its issuer limited the token to that
    /// organization. A token with a claim that cannot be understood is refused.
    Claim,
    /// The same claim, as the organization in which the user signed in last: it limits nothing. Remembered.
    RememberedClaim,
    /// This cookie holds the id or the slug of the organization that the user chose last. Remembered.
    Cookie(String),
    /// What the host finds out itself: made by [`with`](Self::with) and [`remembered_with`](Self::remembered_with).
    Host(HostChoice),
    /// The user's only organization, where nothing names one. It comes last.
    Only,
}

/// A function of the host's that tells which organization a request means.
#[derive(Clone)]
pub struct HostChoice {
    pub(super) find: Arc<Find>,
    pub(super) is_remembered: bool,
}

pub(super) type Find = dyn Fn(Head<'_>) -> Result<Option<String>, Error> + Send + Sync;

impl Choice {
    /// The header that is looked at unless the host chooses otherwise.
    pub const HEADER: HeaderName = HeaderName::from_static("x-organization-id");

    /// What `find` says: the id or the slug of an organization, or nothing. Explicit.
    ///
    /// A header that it looks at belongs into the `Vary` of the host's answers: the layer does not know of it.
    ///
    /// It is asked at every request, also for an answer that is remembered, and must say the same of equal requests: it is
    /// for what stands in the request or in memory, such as a custom domain of an organization.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use http::header::HOST;
    /// use tenantry_tower::{Choice, Head};
    ///
    /// let domains = HashMap::from([("books.acme.example", "acme")]);
    /// let choice = Choice::with(move |head: Head<'_>| {
    ///     Ok(head.header(&HOST).and_then(|host| domains.get(host)).map(ToString::to_string))
    /// });
    /// # let _ = choice;
    /// ```
    pub fn with<F>(find: F) -> Self
    where
        F: Fn(Head<'_>) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        Self::Host(HostChoice { find: Arc::new(find), is_remembered: false })
    }

    /// The same, as what the user chose last: of a session, say. Remembered.
    pub fn remembered_with<F>(find: F) -> Self
    where
        F: Fn(Head<'_>) -> Result<Option<String>, Error> + Send + Sync + 'static,
    {
        Self::Host(HostChoice { find: Arc::new(find), is_remembered: true })
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => f.debug_tuple("Header").field(name).finish(),
            Self::PathParameter(pattern) => f.debug_tuple("PathParameter").field(pattern).finish(),
            Self::Subdomain(base) => f.debug_tuple("Subdomain").field(base).finish(),
            Self::ForwardedSubdomain(base) => f.debug_tuple("ForwardedSubdomain").field(base).finish(),
            Self::QueryParameter(name) => f.debug_tuple("QueryParameter").field(name).finish(),
            Self::Claim => f.write_str("Claim"),
            Self::RememberedClaim => f.write_str("RememberedClaim"),
            Self::Cookie(name) => f.debug_tuple("Cookie").field(name).finish(),
            Self::Host(choice) => choice.fmt(f),
            Self::Only => f.write_str("Only"),
        }
    }
}

impl fmt::Debug for HostChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostChoice").field("is_remembered", &self.is_remembered).finish_non_exhaustive()
    }
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
    /// What is asked one after the other if nothing explicit speaks.
    pub(crate) remembered: Vec<Remembered>,
}

/// What somebody remembers of the user's last choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remembered {
    Name(OrganizationName),
    /// What the claim of the JWT says, once it is verified.
    Claim,
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
