//! The one error type: what went wrong, as a stable word for machines and a sentence for people.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use super::entropy::EntropyError;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:literal $code:literal $title:literal;)*) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The stable machine word, the `code` of a problem document.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$kind => $status,)* }
            }

            /// The short title, the same for every error of this kind.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// A field is missing, malformed or out of bounds; [`Error::fields`] names it.
    InvalidRequest = 400 "invalid_request" "The request is not valid";
    /// No credential was given where one is needed.
    Unauthenticated = 401 "unauthenticated" "A credential is needed";
    /// The user has several organizations, and the request does not say which one it means.
    OrganizationRequired = 400 "organization_required" "Which organization is not said";
    /// The credential is unknown, malformed, revoked or not meant for this service.
    InvalidToken = 401 "invalid_token" "The credential is not valid";
    /// The credential was valid and has expired.
    ExpiredToken = 401 "expired_token" "The credential has expired";
    /// The caller lacks a permission.
    Forbidden = 403 "forbidden" "Not permitted";
    /// The user belongs to no organization.
    NoOrganization = 403 "no_organization" "The user belongs to no organization";
    /// A page of another site made the request with a credential that the browser sends by itself.
    CrossSiteRequest = 403 "cross_site_request" "The request came from another site";
    /// The invitation is addressed to somebody else.
    EmailMismatch = 403 "email_mismatch" "The invitation is for another address";
    /// The caller's e-mail address is not verified.
    EmailUnverified = 403 "email_unverified" "The e-mail address is not verified";
    /// The organization is suspended or inactive.
    OrganizationSuspended = 403 "organization_suspended" "The organization is suspended";
    /// The caller would grant a permission that they lack.
    GrantExceedsOwn = 403 "grant_exceeds_own" "The grant exceeds the caller's own permissions";
    /// There is no such thing, or the caller may not know of it.
    NotFound = 404 "not_found" "Not found";
    /// The route does not know this method.
    MethodNotAllowed = 405 "method_not_allowed" "The method is not allowed here";
    /// The request's body did not arrive in time.
    RequestTimeout = 408 "request_timeout" "The request took too long";
    /// The organization would be left without an owner.
    LastOwner = 409 "last_owner" "The organization needs an owner";
    /// The invited person is a member.
    AlreadyMember = 409 "already_member" "Already a member";
    /// The address has an account already, with another password than the one in the request.
    AlreadyRegistered = 409 "already_registered" "Already registered";
    /// An invitation to that address is open.
    AlreadyInvited = 409 "already_invited" "Already invited";
    /// Another organization has this slug.
    SlugTaken = 409 "slug_taken" "The slug is taken";
    /// There is such a role already.
    RoleTaken = 409 "role_taken" "There is such a role";
    /// Another workspace of the organization has this name.
    WorkspaceTaken = 409 "workspace_taken" "There is such a workspace";
    /// Somebody has the role, and no replacement was named.
    RoleInUse = 409 "role_in_use" "The role is in use";
    /// As many invitations of the organization are open as may be.
    InvitationsExhausted = 409 "invitations_exhausted" "Too many open invitations";
    /// The organization has as many members as it may have.
    SeatsExhausted = 409 "seats_exhausted" "All seats are taken";
    /// The user owns as many organizations as they may.
    OwnedLimit = 409 "owned_limit" "Too many organizations";
    /// The invitation, join code or API token has expired.
    Expired = 410 "expired" "Expired";
    /// The invitation, join code or API token was withdrawn.
    Revoked = 410 "revoked" "Revoked";
    /// The join code has been used as often as it may be.
    Exhausted = 410 "exhausted" "Used up";
    /// The invitation can be used only once, and was used.
    Used = 410 "used" "Already used";
    /// The thing has changed since the caller looked at it.
    Stale = 412 "stale" "Changed in the meantime";
    /// The request body is too large.
    TooLarge = 413 "payload_too_large" "The request body is too large";
    /// The request body is not JSON.
    UnsupportedMediaType = 415 "unsupported_media_type" "The request body must be JSON";
    /// The idempotency key was used for something else.
    IdempotencyMismatch = 422 "idempotency_mismatch" "The idempotency key was used for another request";
    /// Too many attempts; [`Error::retry_after`] says when to try again.
    RateLimited = 429 "rate_limited" "Too many attempts";
    /// A fault of this program or of its data.
    Internal = 500 "internal" "Internal error";
    /// The store, or something else that is needed, is away or too busy; [`Error::retry_after`] says when to try again.
    Unavailable = 503 "unavailable" "Temporarily unavailable";
}

/// Why an operation or a resolve was refused or failed.
///
/// [`kind`](Self::kind) is for programs; [`Display`](fmt::Display) is a sentence that may be shown to the caller:
/// it contains no internals and no secret. What must not be shown is in [`source`](std::error::Error::source).
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    quota: Option<Quota>,
    permission: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// How often something may be done: what a 429 names in its `RateLimit-Policy` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// The policy's name, in ASCII letters, digits and `-`.
    pub name: &'static str,
    /// How many times within one window; never zero.
    pub count: u64,
    /// How long the window is, in whole seconds.
    pub window: Duration,
}

impl Quota {
    /// `count` times within `window`, under the policy's name.
    #[must_use]
    pub const fn new(name: &'static str, count: u64, window: Duration) -> Self {
        Self { name, count, window }
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct FieldError {
    /// The field, as the request spells it (`invitations[3].email` inside of others).
    pub field: String,
    /// A stable machine word, such as `required` or `too_long`.
    pub code: Cow<'static, str>,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl FieldError {
    /// `field` is wrong in the way that `code` says; `detail` says what would be right.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code: Cow::Borrowed(code), detail: detail.into() }
    }
}

impl Error {
    /// An error of that kind, with a sentence for the caller.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            quota: None,
            permission: None,
            source: None,
        }))
    }

    /// The error for a request in which these fields are wrong.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [only] => format!("{}: {}", only.field, only.detail),
            several => format!("{} fields are not valid", several.len()),
        };
        let mut error = Self::new(ErrorKind::InvalidRequest, detail);
        error.0.fields = fields;
        error
    }

    /// The error for a request in which this one field is wrong.
    pub fn invalid_field(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, code, detail)])
    }

    /// The same error, which now also names a field of the request.
    #[must_use]
    pub(crate) fn about(mut self, field: &str, code: &'static str) -> Self {
        self.0.fields.push(FieldError::new(field, code, self.0.detail.clone()));
        self
    }

    /// The user has several organizations, and this field of the request should say which one it means.
    pub fn organization_required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut error = Self::invalid_field(field, "required", detail);
        error.0.kind = ErrorKind::OrganizationRequired;
        error
    }

    /// The error for a caller who lacks `permission`.
    #[must_use]
    pub fn lacks(permission: &str) -> Self {
        let mut error = Self::new(ErrorKind::Forbidden, format!("this needs the permission {permission}"));
        error.0.permission = Some(permission.to_owned());
        error
    }

    /// The error for an API token where a person must act.
    #[must_use]
    pub fn needs_user() -> Self {
        Self::new(ErrorKind::Forbidden, "only a signed-in user can do this, not an API token")
    }

    /// The error for something that does not exist, or that the caller may not see.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no such {what}, or you may not see it"))
    }

    /// The error for a store that is away or too busy: try again in a second.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::unavailable_because("the service is busy or cannot reach its data: try again", source)
    }

    /// As [`unavailable`](Self::unavailable), with the reason as far as the caller may know it.
    pub(crate) fn unavailable_because(
        detail: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Self::away(detail, Duration::from_secs(1));
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    /// The error for a row that this version cannot read.
    pub(crate) fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let detail = "the data was written by a newer version of this service, or is damaged: have every node run the \
                      newest version";
        Self::unavailable_because(detail, source)
    }

    /// The error for something needed that is away: try again after `retry_after`. Whoever makes this error has logged
    /// its cause.
    pub fn away(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        let mut error = Self::new(ErrorKind::Unavailable, detail);
        error.0.retry_after = Some(retry_after);
        error
    }

    /// The error for a fault of this program or of its data.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(ErrorKind::Internal, "an internal error, which was logged");
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    /// The error for too many attempts under `quota`: none is allowed before `retry_after` has passed.
    pub fn rate_limited(detail: impl Into<Cow<'static, str>>, quota: Quota, retry_after: Duration) -> Self {
        let mut error = Self::new(ErrorKind::RateLimited, detail);
        error.0.retry_after = Some(retry_after);
        error.0.quota = Some(quota);
        error
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable machine word of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The fields that the error is about, usually because they are not valid.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The permission that the caller lacks, if that is why they are refused.
    #[must_use]
    pub fn permission(&self) -> Option<&str> {
        self.0.permission.as_deref()
    }

    /// How long to wait before another attempt can succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The limit that was reached; every [`ErrorKind::RateLimited`] has one.
    #[must_use]
    pub fn quota(&self) -> Option<&Quota> {
        self.0.quota.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("detail", &self.0.detail)
            .field("fields", &self.0.fields)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl From<EntropyError> for Error {
    fn from(error: EntropyError) -> Self {
        Self::unavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(ErrorKind::ALL.iter().all(|kind| (400..600).contains(&kind.status())));
    }
}
