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

use crate::generations::{AsOf, Subjects};

/// The organization in which a request is made, who makes it, and what they may do.
///
/// It is in the extensions of every request that [`TenancyLayer`](crate::TenancyLayer) has let through with an
/// organization, and is an extractor in axum's handlers; `Option<Tenant>` is one where the layer is optional. All
/// else is in the [`Tenant`](tenant::Tenant) of the core, to which it derefs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tenant(tenant::Tenant);

impl Deref for Tenant {
    type Target = tenant::Tenant;

    fn deref(&self) -> &tenant::Tenant {
        &self.0
    }
}

impl From<tenant::Tenant> for Tenant {
    fn from(tenant: tenant::Tenant) -> Self {
        Self(tenant)
    }
}

/// Everything that the layer found out about a request: in its extensions, whether there is an organization or not.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Resolved(Arc<Inner>);

struct Inner {
    caller: Option<Caller>,
    tenant: Option<Tenant>,
    engine: Engine,
    validity: Option<Validity>,
}

/// How long an answer may be given again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) as_of: AsOf,
    pub(crate) subjects: Subjects,
    pub(crate) until: Timestamp,
}

impl Resolved {
    /// A request without a credential.
    pub(crate) fn anonymous(engine: Engine) -> Self {
        Self(Arc::new(Inner { caller: None, tenant: None, engine, validity: None }))
    }

    pub(crate) fn new(caller: Caller, tenant: Option<tenant::Tenant>, engine: Engine, validity: Validity) -> Self {
        let tenant = tenant.map(Tenant::from);
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
    pub fn tenant(&self) -> Option<&Tenant> {
        self.0.tenant.as_ref()
    }

    /// The organization in which the request is made.
    ///
    /// # Errors
    /// `unauthenticated` if nobody is known to be calling, and `forbidden` if somebody is, without an organization.
    pub fn require_tenant(&self) -> Result<&Tenant, Error> {
        match (&self.0.tenant, &self.0.caller) {
            (Some(tenant), _) => Ok(tenant),
            (None, None) => Err(unauthenticated()),
            (None, Some(_)) => {
                let detail = "this is done in an organization: name one of yours, create one, or accept an invitation";
                Err(Error::new(ErrorKind::Forbidden, detail))
            }
        }
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

/// What the layer put into a request's extensions, if it was there.
pub(crate) fn of(extensions: &Extensions) -> Result<&Resolved, Error> {
    extensions.get::<Resolved>().ok_or_else(|| {
        Error::internal("the request did not come through TenancyLayer: add TenancyLayer around this route")
    })
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
