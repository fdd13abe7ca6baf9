//! The layer and what can be set about it.

pub(crate) mod future;
pub(crate) mod paths;
pub(crate) mod require;
pub(crate) mod service;
pub(crate) mod vary;

use std::{fmt, sync::Arc, time::Duration};

use tenantry_core::engine::Engine;
use tokio::{runtime::Handle, task::AbortHandle};
use tower_layer::Layer;

use crate::{
    Authenticator, BuildError, Choice, TenantryService,
    answer::tenant::Resolved,
    generations::Generations,
    keyed_hash::KeyedHash,
    layer::{
        paths::{Listed, Paths},
        vary::Vary,
    },
    limits::{self, MAX_AGE_MAX, MAX_STALENESS_MIN},
    request::choice::Choices,
    resolve::{Resolver, cache::Answers, in_flight::InFlight},
};

/// Turns a request's credential into a [`Tenant`](crate::Tenant). See the [crate](crate) for the rules.
///
/// Clones share what they remember, and so do the layers that [`optional`](Self::optional) makes. When the last one is
/// gone, and every service that was wrapped by one, the task that listens to change notices ends.
#[derive(Clone)]
pub struct TenantryLayer {
    resolver: Arc<Resolver>,
    is_required: bool,
}

impl TenantryLayer {
    /// Begins with an organization that is chosen by the header `X-Organization-Id`, or else is the only one.
    #[must_use]
    pub fn builder(engine: Engine, authenticator: Authenticator) -> TenantryLayerBuilder {
        TenantryLayerBuilder {
            engine,
            authenticator,
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
        Self { resolver: self.resolver.clone(), is_required: false }
    }

    /// The layer around `service`: tower's [`Layer::layer`], for hosts that need nothing else of tower.
    pub fn layer<S>(&self, service: S) -> TenantryService<S> {
        TenantryService::new(service, self.resolver.clone(), self.is_required)
    }
}

impl<S> Layer<S> for TenantryLayer {
    type Service = TenantryService<S>;

    fn layer(&self, inner: S) -> TenantryService<S> {
        Self::layer(self, inner)
    }
}

impl fmt::Debug for TenantryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryLayer").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}

/// Collects what a [`TenantryLayer`] does.
#[derive(Debug, Clone)]
pub struct TenantryLayerBuilder {
    engine: Engine,
    authenticator: Authenticator,
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
        let Self { engine, authenticator, strict, choices, paths, max_age, max_staleness, capacity } = self;
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
        let listener = (!strict).then(|| listen(&engine, &runtime, &generations));
        let resolver = Resolver {
            answers: Answers::new(generations.clone(), max_age, capacity),
            in_flight: InFlight::new(),
            anonymous: Resolved::anonymous(engine.clone()),
            engine,
            vary: Vary::by(authenticator.headers().iter().chain(choices.headers())),
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
        Ok(TenantryLayer { resolver: Arc::new(resolver), is_required: true })
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
