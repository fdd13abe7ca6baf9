//! Extractors for axum's handlers.

use std::fmt;

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::request::Parts;
use tenantry_core::{values::error::Error, wire::OrgMembership};

use crate::{
    answer::tenant::{Resolved, Tenant},
    problem,
};

/// Why something could not be extracted. It answers as the layer answers what it refuses.
pub struct Rejection {
    error: Error,
    response: http::Response<Bytes>,
}

impl Rejection {
    /// What lies behind it, for a host that answers in its own form.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.error
    }

    fn of(error: Error, parts: &Parts) -> Self {
        let response = Resolved::refuse(&error, parts.into());
        Self { error, response }
    }
}

/// Answers with a [problem document](problem).
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let response = problem::response(&error);
        Self { error, response }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.response.map(Body::from)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.error).finish()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// 401 without a credential, 403 or 400 without an organization, which only happens where the layer is optional; 500 that
/// names the layer if it is missing.
impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Resolved::of(&parts.extensions).and_then(Resolved::require_tenant).map_err(|error| Rejection::of(error, parts))
    }
}

/// `None` without an organization; 500 that names the layer if it is missing.
impl<S: Sync> OptionalFromRequestParts<S> for Tenant {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Resolved::of(&parts.extensions).map(|resolved| resolved.tenant()).map_err(|error| Rejection::of(error, parts))
    }
}

/// 500 that names the layer if it is missing.
impl<S: Sync> FromRequestParts<S> for Resolved {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Self::of(&parts.extensions).map_err(|error| Rejection::of(error, parts))
    }
}

/// All organizations of the user who is calling, in the order of joining: for hosts that show them side by side.
///
/// Asks the store each time. 401 without a credential, 403 for an API token.
#[derive(Debug, Clone)]
pub struct Memberships(pub Vec<OrgMembership>);

impl<S: Sync> FromRequestParts<S> for Memberships {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let memberships = async { Resolved::of(&parts.extensions)?.memberships().await };
        memberships.await.map(Self).map_err(|error| Rejection::of(error, parts))
    }
}
