//! The layer and what can be set about it.

pub(crate) mod body;
pub(crate) mod future;
pub(crate) mod mode;
pub(crate) mod paths;
pub(crate) mod require;
pub(crate) mod service;
pub(crate) mod vary;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use tenantry_core::{
    access::caller::Caller,
    engine::Engine,
    values::{error::Error, ids::OrganizationId},
};
use tokio::{runtime::Handle, task::AbortHandle};
use tower_layer::Layer;

use crate::{
    Authenticator, BuildError, Choice, Tenant, TenantryService,
    answer::{
        refusal_form::RefusalForm,
        tenant::{Context, Resolved},
    },
    generations::Generations,
    in_flight::InFlight,
    keyed_hash::KeyedHash,
    layer::{
        body::AnyBody,
        mode::Mode,
        paths::{Listed, Paths},
        vary::Vary,
    },
    limits::{self, MAX_AGE_MAX, MAX_STALENESS_MIN},
    request::{choices::Choices, head::Head},
    resolve::{Resolver, cache::Answers},
};

/// Turns a request's credential into a [`Tenant`](crate::Tenant). See the [crate](crate) for the rules.
///
/// Clones share what they remember, and so do the layers that [`optional`](Self::optional) makes. When the last one is
/// gone, and every service that was wrapped by one, the task that listens to change notices ends.
#[derive(Clone)]
pub struct TenantryLayer {
    resolver: Arc<Resolver>,
    mode: Mode,
}

impl TenantryLayer {
    /// Begins with an organization that is chosen by the header `X-Organization-Id`, or else is the only one.
    #[must_use]
    pub fn builder(engine: Engine, authenticator: Authenticator) -> TenantryLayerBuilder {
        TenantryLayerBuilder {
            engine,
            authenticator,
            refusal_form: RefusalForm::default(),
            strict: false,
            choices: vec![Choice::Header(Choice::HEADER), Choice::Only],
            paths: Listed::default(),
            max_age: limits::MAX_AGE_DEFAULT,
            max_staleness: limits::MAX_STALENESS_DEFAULT,
            capacity: limits::CAPACITY_DEFAULT,
        }
    }

    /// The same layer for routes that are open to everybody: it lets a request without a credential through, and one of
    /// a user of whom it is not said which organization they mean, without a [`Tenant`](crate::Tenant).
    ///
    /// A credential that is not valid is refused, and so is an organization that the caller may not see.
    ///
    /// # Danger
    /// A route that forgets to ask for a tenant is open to everybody.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self { resolver: self.resolver.clone(), mode: Mode::Optional }
    }

    /// The same layer for the pages on which a user chooses an organization, or creates their first: it lets every user
    /// through whose credential is right, and looks for no organization, whatever the request says of one. The handler
    /// takes a [`Resolved`], or `Memberships`. An API token is refused.
    ///
    /// So a user who was removed from the organization that they chose last still gets to where they choose another.
    #[must_use]
    pub fn user_only(&self) -> Self {
        Self { resolver: self.resolver.clone(), mode: Mode::UserOnly }
    }

    /// The tenant that `caller` is in an organization, without a request: for a job, or for what a handler leaves behind. It
    /// reads once, and remembers nothing; [`Tenant::ended`] tells when the rights end.
    ///
    /// [`Tenant::ended`]: crate::Tenant::ended
    ///
    /// # Errors
    /// `not_found`, if the caller may not see the organization; `organization_suspended`, `invalid_token`, `unavailable`.
    pub async fn tenant(&self, caller: Caller, organization: OrganizationId) -> Result<Tenant, Error> {
        self.resolver.context.resolve(caller, organization).await
    }

    /// The layer around `service`, whose responses keep the type of their body: one that can be made of [`Bytes`], as
    /// axum's can. As a tower [`Layer`] (in a `ServiceBuilder`, by axum's `Router::layer`) it works around any body.
    ///
    /// [`Bytes`]: bytes::Bytes
    pub fn layer<S>(&self, service: S) -> TenantryService<S> {
        TenantryService::new(service, self.resolver.clone(), self.mode)
    }
}

impl<S> Layer<S> for TenantryLayer {
    type Service = TenantryService<S, AnyBody>;

    fn layer(&self, inner: S) -> TenantryService<S, AnyBody> {
        TenantryService::new(inner, self.resolver.clone(), self.mode)
    }
}

impl fmt::Debug for TenantryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryLayer").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Collects what a [`TenantryLayer`] does.
#[derive(Debug, Clone)]
pub struct TenantryLayerBuilder {
    engine: Engine,
    authenticator: Authenticator,
    refusal_form: RefusalForm,
    strict: bool,
    choices: Vec<Choice>,
    paths: Listed,
    max_age: Duration,
    max_staleness: Duration,
    capacity: u64,
}

impl TenantryLayerBuilder {
    /// How a user's organization is chosen: by what says something of these. See [`Choice`] for what happens if several
    /// do; the first one is what a user is told to use who says nothing.
    #[must_use]
    pub fn choose(mut self, choices: impl IntoIterator<Item = Choice>) -> Self {
        self.choices = choices.into_iter().collect();
        self
    }

    /// The paths that the service within serves, in axum's syntax: `/notes`, `/notes/{id}`, `/files/{*path}`. Every other
    /// path is answered 404 by the layer, before any credential is looked at. Unless this is called, the layer does not
    /// know what is served, and asks for a credential at every path.
    ///
    /// A path that is forgotten here is 404: none is ever open by mistake. Paths are compared as axum compares them, so
    /// `/notes/` is not `/notes`; the method is not looked at. The path is the one that the layer sees: inside of axum's
    /// `nest`, the prefix is gone. Called again, it adds to what was listed before.
    #[must_use]
    pub fn serves<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.served.get_or_insert_default().extend(paths.into_iter().map(Into::into));
        self
    }

    /// Paths that pass as they came, in the syntax of [`serves`](Self::serves): of the admin router, which looks at
    /// credentials itself (`/tenantry/{*path}`), or of a health check.
    ///
    /// # Danger
    /// The layer does nothing for them: no credential is asked for, and none is refused. A handler there that takes a
    /// [`Tenant`](crate::Tenant) answers 500. A path with segments that lead up (`..`) is never exempt: who knows to what
    /// the service within resolves it.
    #[must_use]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.exempt.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Gives refusals the host's own form: a redirect to its page for signing in, a gRPC status, its own JSON. Where `shape`
    /// answers `None`, the refusal is a [problem document](crate::problem), as are all unless this is called.
    ///
    /// It shapes what this layer refuses, and what [`require`](crate::require) and axum's extractors refuse within it. What
    /// an [internal](tenantry_core::values::error::ErrorKind::Internal) error hides is logged whatever it answers.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Response, StatusCode, header};
    /// use tenantry_core::values::error::ErrorKind;
    /// # use tenantry_tower::TenantryLayerBuilder;
    ///
    /// # fn set(layer: TenantryLayerBuilder) -> TenantryLayerBuilder {
    /// layer.refuse_with(|error, head| {
    ///     let is_browser = head.header(&header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    ///     let page = match error.kind() {
    ///         ErrorKind::Unauthenticated | ErrorKind::InvalidToken | ErrorKind::ExpiredToken => "/login",
    ///         ErrorKind::NoOrganization | ErrorKind::OrganizationRequired => "/organizations",
    ///         _ => return None,
    ///     };
    ///     let redirect = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, page);
    ///     is_browser.then(|| redirect.body(Bytes::new()).ok()).flatten()
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn refuse_with<F>(mut self, shape: F) -> Self
    where
        F: Fn(&Error, Head<'_>) -> Option<Response<Bytes>> + Send + Sync + 'static,
    {
        self.refusal_form = RefusalForm::with(shape);
        self
    }

    /// Lets every request read for itself: the very next one after a change sees it, on every node.
    ///
    /// That is one round trip to the store for each (two where the organization is the user's only one, or its slug
    /// was not seen before). Nothing is remembered of it; that a JWT was verified is.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// How long an answer may be remembered: 30 s unless set, more than nothing and at most an hour. For none at all
    /// there is [`strict`](Self::strict), where this has no meaning.
    ///
    /// Change notices make it forgotten before. This is the bound for what no notice tells.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How long an answer may be believed after the last proof that change notices arrive: 2 s unless set, from 1 s to
    /// the longest [`max_age`](Self::max_age) of an hour. No answer is staler than that, whatever breaks between this
    /// process and the store, and if this process is frozen itself.
    #[must_use]
    pub fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.max_staleness = max_staleness;
        self
    }

    /// How many answers may be remembered, and beside them as many refusals: 10,000 unless set, and at least one. For none
    /// at all there is [`strict`](Self::strict).
    #[must_use]
    pub fn capacity(mut self, entries: u64) -> Self {
        self.capacity = entries;
        self
    }

    /// Checks all of it together, and begins to listen to change notices in the tokio runtime that this is called in.
    ///
    /// # Errors
    /// At the first mistake, with the mend; also outside of a tokio runtime, and without randomness.
    pub fn build(self) -> Result<TenantryLayer, BuildError> {
        let Self { engine, authenticator, refusal_form, strict, choices, paths, max_age, max_staleness, capacity } =
            self;
        let choices = Choices::new(&choices)?;
        let paths = Paths::new(&paths)?;
        if max_age > limits::MAX_AGE_MAX {
            return Err(BuildError::new(format!("a max_age of {max_age:?} is too long: give at most {MAX_AGE_MAX:?}")));
        }
        if max_age.is_zero() {
            return Err(BuildError::new("a max_age of zero remembers nothing: call strict() instead".to_owned()));
        }
        if capacity == 0 {
            return Err(BuildError::new("a capacity of zero remembers nothing: call strict() instead".to_owned()));
        }
        if !(limits::MAX_STALENESS_MIN..=limits::MAX_AGE_MAX).contains(&max_staleness) {
            let mend = format!("give from {MAX_STALENESS_MIN:?} to {MAX_AGE_MAX:?}");
            return Err(BuildError::new(format!("a max_staleness of {max_staleness:?} is of no use: {mend}")));
        }
        let runtime = Handle::try_current().map_err(|_| {
            BuildError::new("a TenantryLayer listens to change notices: build it within a tokio runtime".to_owned())
        })?;
        let keyed = KeyedHash::new(engine.entropy()).map_err(BuildError::of)?;
        let generations = Arc::new(Generations::new(keyed, engine.clock().clone(), max_staleness));
        // Also where nothing is remembered: streams are told when rights end.
        let listener = listen(&engine, &runtime, &generations);
        let context = Context::new(&engine, &refusal_form, &generations, capacity);
        let resolver = Resolver {
            answers: Answers::new(generations.clone(), max_age, capacity),
            in_flight: InFlight::new(),
            anonymous: Resolved::anonymous(context.clone()),
            context,
            engine,
            vary: Vary::by(authenticator.headers().iter().chain(&choices.headers())),
            authenticator,
            choices,
            paths,
            strict,
            max_age,
            keyed,
            generations,
            runtime,
            listener,
        };
        Ok(TenantryLayer { resolver: Arc::new(resolver), mode: Mode::Required })
    }
}

/// From now on `generations` hears of every change, made here or on another node.
fn listen(engine: &Engine, runtime: &Handle, generations: &Arc<Generations>) -> AbortHandle {
    let observer = Arc::downgrade(generations);
    engine.observe(observer);
    let changes = engine.store().changes();
    let listening = generations.clone();
    runtime.spawn(async move { listening.listen(changes).await }).abort_handle()
}
