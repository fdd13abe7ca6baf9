//! What the layer puts into a request's extensions.

use std::{fmt, ops::Deref, sync::Arc};

use http::Extensions;
use tenantry_core::{
    caller::Caller,
    clock::Timestamp,
    engine::Engine,
    error::{Error, ErrorKind},
    tenant,
    view::OrgMembership,
};

use crate::{
    generations::{AsOf, Subjects},
    jwt::Vouched,
};

/// The organization in which a request is made, who makes it, and what they may do.
///
/// It is in the extensions of every request that [`TenancyLayer`](crate::TenancyLayer) has let through with an
/// organization, and is an extractor in axum's handlers; `Option<Tenant>` is one where the layer is optional. All
/// else is in the [`Tenant`](tenant::Tenant) of the core, to which it derefs. Cheap to clone.
#[derive(Clone)]
pub struct Tenant {
    tenant: tenant::Tenant,
    resolved: Resolved,
}

impl Deref for Tenant {
    type Target = tenant::Tenant;

    fn deref(&self) -> &tenant::Tenant {
        &self.tenant
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tenant.fmt(f)
    }
}

/// Everything that the layer found out about a request, whether it has an organization or not; see [`of`](Self::of).
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Resolved(Arc<Inner>);

struct Inner {
    caller: Option<Caller>,
    tenant: Option<tenant::Tenant>,
    engine: Engine,
    validity: Option<Validity>,
}

/// How long an answer may be given again.
#[derive(Debug, Clone)]
pub(crate) struct Validity {
    pub(crate) as_of: AsOf,
    pub(crate) subjects: Subjects,
    pub(crate) until: Timestamp,
    /// By which keys the user's JWT was verified; `None` of an API token.
    pub(crate) vouched: Option<Vouched>,
}

impl Resolved {
    /// What the layer found out about the request with these extensions.
    ///
    /// # Errors
    /// `internal`, naming the mend, if the request did not come through the layer.
    pub fn of(extensions: &Extensions) -> Result<&Self, Error> {
        let tenant = extensions.get::<Tenant>().map(|tenant| &tenant.resolved);
        tenant.or_else(|| extensions.get::<Self>()).ok_or_else(|| {
            let detail = "the request did not come through TenancyLayer: add TenancyLayer around this route";
            Error::new(ErrorKind::Internal, detail)
        })
    }

    /// Puts it into a request's extensions: one value, since each costs an allocation.
    pub(crate) fn mark(self, extensions: &mut Extensions) {
        if let Some(tenant) = self.tenant() {
            extensions.insert(tenant);
        } else {
            // A layer further out may have left one.
            extensions.remove::<Tenant>();
            extensions.insert(self);
        }
    }

    /// A request without a credential.
    pub(crate) fn anonymous(engine: Engine) -> Self {
        Self(Arc::new(Inner { caller: None, tenant: None, engine, validity: None }))
    }

    pub(crate) fn new(caller: Caller, tenant: Option<tenant::Tenant>, engine: Engine, validity: Validity) -> Self {
        Self(Arc::new(Inner { caller: Some(caller), tenant, engine, validity: Some(validity) }))
    }

    pub(crate) fn validity(&self) -> Option<&Validity> {
        self.0.validity.as_ref()
    }

    /// Who is calling; `None` if the request has no credential.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.0.caller.as_ref()
    }

    /// The organization in which the request is made; `None` only where the layer is optional.
    #[must_use]
    pub fn tenant(&self) -> Option<Tenant> {
        self.0.tenant.clone().map(|tenant| Tenant { tenant, resolved: self.clone() })
    }

    /// The organization in which the request is made.
    ///
    /// # Errors
    /// `unauthenticated` if nobody is known to be calling, and `forbidden` if somebody is, without an organization.
    pub fn require_tenant(&self) -> Result<Tenant, Error> {
        self.tenant().ok_or_else(|| {
            if self.0.caller.is_none() {
                return unauthenticated();
            }
            let detail = "this is done in an organization: name one of yours, create one, or accept an invitation";
            Error::new(ErrorKind::Forbidden, detail)
        })
    }

    /// All organizations of the user who is calling. Asks the store.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden` for an API token, `unavailable`.
    pub async fn memberships(&self) -> Result<Vec<OrgMembership>, Error> {
        let user = self.caller().ok_or_else(unauthenticated)?.user()?;
        self.0.engine.memberships(&user.id).await
    }
}

/// There is no credential where one is needed.
pub(crate) fn unauthenticated() -> Error {
    let detail = "send a credential: Authorization: Bearer <token>";
    Error::new(ErrorKind::Unauthenticated, detail)
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("principal", &self.0.caller.as_ref().map(Caller::principal))
            .field("tenant", &self.0.tenant)
            .finish_non_exhaustive()
    }
}
