//! Extractors for axum's handlers.

use std::fmt;

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;
use tenantry_core::{values::error::Error, wire::OrgMembership};

use crate::{
    answer::tenant::{Resolved, Tenant},
    problem,
};

/// Why something could not be extracted; answers as [`problem::response`].
pub struct Rejection(Error);

impl Rejection {
    /// What lies behind it, for a host that answers in its own form.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.0
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        problem::response::<Body>(&self.0)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.0).finish()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// 401 without a credential, 403 or 400 without an organization, which only happens where the layer is optional; 500 that
/// names the layer if it is missing.
impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Resolved::of(&parts.extensions)?.require_tenant()?)
    }
}

/// `None` without an organization; 500 that names the layer if it is missing.
impl<S: Sync> OptionalFromRequestParts<S> for Tenant {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Ok(Resolved::of(&parts.extensions)?.tenant())
    }
}

/// 500 that names the layer if it is missing.
impl<S: Sync> FromRequestParts<S> for Resolved {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self::of(&parts.extensions)?)
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
        Ok(Self(Resolved::of(&parts.extensions)?.memberships().await?))
    }
}
