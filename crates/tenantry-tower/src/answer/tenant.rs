//! What the layer puts into a request's extensions.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Extensions, Response};
use moka::sync::Cache;
use tenantry_core::{
    access::{caller::Caller, tenant_access::TenantAccess},
    engine::{
        Engine,
        operation::{Operation, Request},
        rate_limiter::TokenCount,
    },
    values::{
        clock::{Clock, Timestamp},
        error::{Error, ErrorKind},
    },
    wire::OrgMembership,
};
use tracing::{Span, field::display};

use crate::{
    answer::{changes::CurrentAccess, refusal::Refusal, refusal_form::RefusalForm},
    generations::{Freshness, Generations},
    identity::verified_user::KeyValidity,
    in_flight::InFlight,
    keyed_hash::PassThrough,
    problem,
    request::head::Head,
};

/// The fields of a request's span.
const ORGANIZATION_ID: &str = "organization.id";
const PRINCIPAL_KIND: &str = "principal.kind";
const PRINCIPAL_ID: &str = "principal.id";

/// The organization in which a request is made, who makes it, and what they may do.
///
/// It is in the extensions of every request that [`TenantryLayer`](crate::TenantryLayer) has let through with an
/// organization, and is an extractor in axum's handlers; `Option<Tenant>` is one where the layer is optional. All
/// else is in the [`TenantAccess`] of the core, to which it derefs. Cheap to clone.
#[derive(Clone)]
pub struct Tenant(pub(crate) Arc<TenantInner>);

/// What a hit looks at comes first, so that it is in one cache line with the count of references.
#[repr(C)]
pub(crate) struct TenantInner {
    pub(crate) validity: Validity,
    /// Of what was asked.
    pub(crate) key: u128,
    /// Of an API token that has a rate limit.
    count: Option<Box<TokenCount>>,
    tenant: TenantAccess,
    caller: Caller,
    pub(crate) context: Arc<Context>,
}

/// What all answers of a layer have in common.
pub(crate) struct Context {
    pub(crate) engine: Engine,
    pub(crate) refusal_form: RefusalForm,
    pub(crate) generations: Arc<Generations>,
    /// What streams have read again, by a hash of their caller and organization.
    pub(crate) current: Cache<u128, CurrentAccess, PassThrough>,
    pub(crate) current_in_flight: InFlight<Result<CurrentAccess, Error>>,
}

impl Context {
    pub(crate) fn new(
        engine: &Engine,
        refusal_form: &RefusalForm,
        generations: &Arc<Generations>,
        capacity: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            refusal_form: refusal_form.clone(),
            generations: generations.clone(),
            current: Cache::builder().max_capacity(capacity).build_with_hasher(PassThrough),
            current_in_flight: InFlight::new(),
        })
    }
}

impl Tenant {
    pub(crate) fn new(
        key: u128,
        caller: Caller,
        tenant: TenantAccess,
        context: Arc<Context>,
        validity: Validity,
    ) -> Self {
        let count = context.engine.token_count(&tenant).map(Box::new);
        Self(Arc::new(TenantInner { validity, key, count, tenant, caller, context }))
    }

    /// Who is calling, as operations want to know it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// Carries out an operation for whoever is calling, with their rights and no others: they are decided anew, in the
    /// transaction of the operation. The operation says itself which organization it is about.
    ///
    /// # Errors
    /// Those of the operation, such as `forbidden`, and `unavailable`.
    pub async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output, Error> {
        self.0.context.engine.run(&Request::new(self.caller().clone()), operation).await
    }
}

impl Deref for Tenant {
    type Target = TenantAccess;

    fn deref(&self) -> &TenantAccess {
        &self.0.tenant
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tenant.fmt(f)
    }
}

/// Everything that the layer found out about a request, whether it has an organization or not; see [`of`](Self::of).
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Resolved(Place);

#[derive(Clone)]
enum Place {
    Inside(Tenant),
    Outside(Arc<WithoutTenant>),
}

/// Who is in no organization.
struct WithoutTenant {
    validity: Option<Validity>,
    key: u128,
    caller: Option<Caller>,
    context: Arc<Context>,
    /// What is answered where an organization is required; `None` of a request without a credential.
    refusal: Option<Refusal>,
}

/// How long an answer may be given again.
#[derive(Debug)]
pub(crate) struct Validity {
    pub(crate) freshness: Freshness,
    /// By the time that passes: the calendar may be set back.
    pub(crate) ends: Duration,
    /// When the credential ends by the calendar, which alone tells of the time that a paused machine has missed.
    pub(crate) expires_at: Option<Timestamp>,
    /// By which keys the user's JWT was verified.
    pub(crate) keys: KeyValidity,
}

impl Resolved {
    /// What the layer found out about the request with these extensions.
    ///
    /// # Errors
    /// `internal`, naming the mend, if the request did not come through the layer.
    pub fn of(extensions: &Extensions) -> Result<Self, Error> {
        let inside = extensions.get::<Tenant>().cloned().map(Self::inside);
        inside.or_else(|| extensions.get::<Self>().cloned()).ok_or_else(|| {
            let detail = "the request did not come through TenantryLayer: add TenantryLayer around this route";
            Error::new(ErrorKind::Internal, detail)
        })
    }

    /// Records who is calling, and where, in the request's span, if that has fields for it.
    fn record(&self) {
        let span = Span::current();
        if !span.has_field(ORGANIZATION_ID) && !span.has_field(PRINCIPAL_KIND) && !span.has_field(PRINCIPAL_ID) {
            return;
        }
        if let Place::Inside(tenant) = &self.0 {
            span.record(ORGANIZATION_ID, display(tenant.organization_id()));
        }
        if let Some(principal) = self.caller().map(Caller::principal) {
            span.record(PRINCIPAL_KIND, principal.kind());
            span.record(PRINCIPAL_ID, principal.id());
        }
    }

    /// Puts it into a request's extensions: one value, since each costs an allocation.
    pub(crate) fn mark(self, extensions: &mut Extensions) {
        self.record();
        match self.0 {
            Place::Inside(tenant) => {
                extensions.insert(tenant);
            }
            outside @ Place::Outside(_) => {
                // A layer further out may have left one.
                extensions.remove::<Tenant>();
                extensions.insert(Self(outside));
            }
        }
    }

    /// A request without a credential.
    pub(crate) fn anonymous(context: Arc<Context>) -> Self {
        Self(Place::Outside(Arc::new(WithoutTenant { validity: None, key: 0, caller: None, context, refusal: None })))
    }

    pub(crate) fn new(
        key: u128,
        caller: Caller,
        tenant: Result<TenantAccess, Refusal>,
        context: Arc<Context>,
        validity: Validity,
    ) -> Self {
        let tenant = match tenant {
            Ok(tenant) => tenant,
            Err(refusal) => {
                let (validity, caller, refusal) = (Some(validity), Some(caller), Some(refusal));
                return Self(Place::Outside(Arc::new(WithoutTenant { validity, key, caller, context, refusal })));
            }
        };
        Self(Place::Inside(Tenant::new(key, caller, tenant, context, validity)))
    }

    /// Why a request is refused that has no organization, if one is needed.
    pub(crate) fn refusal(&self, needs_tenant: bool) -> Option<Refusal> {
        match &self.0 {
            Place::Outside(outside) if needs_tenant => outside.refusal.clone(),
            Place::Outside(_) | Place::Inside(_) => None,
        }
    }

    /// Counts a request against the rate limit of the API token that presents it, if it has one.
    pub(crate) fn admit(&self, clock: &dyn Clock) -> Result<(), Error> {
        self.count().map_or(Ok(()), |count| count.take(clock.elapsed()))
    }

    /// Whether a request would be let through now.
    pub(crate) fn has_room(&self, clock: &dyn Clock) -> bool {
        self.count().is_none_or(|count| count.has_room(clock.elapsed()))
    }

    fn count(&self) -> Option<&TokenCount> {
        match &self.0 {
            Place::Inside(tenant) => tenant.0.count.as_deref(),
            Place::Outside(_) => None,
        }
    }

    /// Wraps a tenant that was found before.
    pub(crate) fn inside(tenant: Tenant) -> Self {
        Self(Place::Inside(tenant))
    }

    /// By the keyed hash of what was asked.
    pub(crate) fn key(&self) -> u128 {
        match &self.0 {
            Place::Inside(tenant) => tenant.0.key,
            Place::Outside(outside) => outside.key,
        }
    }

    pub(crate) fn validity(&self) -> Option<&Validity> {
        match &self.0 {
            Place::Inside(tenant) => Some(&tenant.0.validity),
            Place::Outside(outside) => outside.validity.as_ref(),
        }
    }

    pub(crate) fn is_platform_admins(&self) -> bool {
        matches!(self.caller(), Some(Caller::User(identity)) if identity.platform_admin)
    }

    /// Who is calling; `None` if the request has no credential.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        match &self.0 {
            Place::Inside(tenant) => Some(&tenant.0.caller),
            Place::Outside(outside) => outside.caller.as_ref(),
        }
    }

    /// The organization in which the request is made; `None` only where the layer is optional.
    #[must_use]
    pub fn tenant(&self) -> Option<Tenant> {
        match &self.0 {
            Place::Inside(tenant) => Some(tenant.clone()),
            Place::Outside(_) => None,
        }
    }

    /// The organization in which the request is made.
    ///
    /// # Errors
    /// `unauthenticated` if nobody is known to be calling. `no_organization` or `organization_required` if somebody is who
    /// belongs to none, or who did not say which of theirs is meant.
    pub fn require_tenant(self) -> Result<Tenant, Error> {
        match self.0 {
            Place::Inside(tenant) => Ok(tenant),
            Place::Outside(outside) => {
                Err(outside.refusal.as_ref().map_or_else(unauthenticated, |refusal| refusal.error().clone()))
            }
        }
    }

    /// Carries out an operation for whoever is calling, as [`Tenant::run`] does: also for a user without an organization,
    /// who creates their first one, say.
    ///
    /// # Errors
    /// `unauthenticated`, and those of the operation.
    pub async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output, Error> {
        let caller = self.caller().ok_or_else(unauthenticated)?;
        self.context().engine.run(&Request::new(caller.clone()), operation).await
    }

    /// All organizations of the user who is calling. Asks the store.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden` for an API token, `unavailable`.
    pub async fn memberships(&self) -> Result<Vec<OrgMembership>, Error> {
        let user = self.caller().ok_or_else(unauthenticated)?.user()?;
        self.context().engine.memberships(&user.id).await
    }

    /// The answer to a request that is refused within the layer.
    pub(crate) fn refuse(error: &Error, head: Head<'_>) -> Response<Bytes> {
        match Self::of(head.extensions()) {
            Ok(resolved) => resolved.context().refusal_form.response(error, head),
            Err(_) => problem::response(error),
        }
    }

    fn context(&self) -> &Context {
        match &self.0 {
            Place::Inside(tenant) => &tenant.0.context,
            Place::Outside(outside) => &outside.context,
        }
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
            .field("principal", &self.caller().map(Caller::principal))
            .field("tenant", &self.tenant())
            .finish_non_exhaustive()
    }
}
