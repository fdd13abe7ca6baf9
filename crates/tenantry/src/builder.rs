//! What a host decides, put together and checked.

use std::{fmt, sync::Arc, time::Duration};

use tenantry_core::{
    access::registry::{Registry, RegistryBuilder},
    engine::Engine,
    host::Host,
    store::Store,
    values::{
        clock::{Clock, SystemClock},
        entropy::{Entropy, SystemEntropy},
    },
};
use tenantry_tower::{Authenticator, Choice, TenantryLayer, jwt::JwtVerifierBuilder};

use crate::Tenantry;

/// Collects what a host decides.
pub struct TenantryBuilder {
    store: Option<Arc<dyn Store>>,
    registry: RegistryBuilder,
    jwt: Option<JwtVerifierBuilder>,
    choices: Option<Vec<Choice>>,
    served: Option<Vec<String>>,
    exempt: Vec<String>,
    max_age: Option<Duration>,
    strict: bool,
    host: Host,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Default for TenantryBuilder {
    fn default() -> Self {
        Self {
            store: None,
            registry: Registry::builder(),
            jwt: None,
            choices: None,
            served: None,
            exempt: Vec::new(),
            max_age: None,
            strict: false,
            host: Host::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl TenantryBuilder {
    /// Where the state is kept. Needed.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// How users' JWTs are verified: whose are believed ([`Issuer`](crate::jwt::Issuer)), by keys of the host's or with
    /// the feature `jwks` by those that an issuer publishes. Without this only API tokens are accepted.
    #[must_use]
    pub fn jwt(mut self, verifier: JwtVerifierBuilder) -> Self {
        self.jwt = Some(verifier);
        self
    }

    /// Registers a permission of the host's own, such as `notes:write`.
    #[must_use]
    pub fn permission(mut self, name: impl Into<String>) -> Self {
        self.registry = self.registry.permission(name);
        self
    }

    /// Registers a role of the host's own, below `admin` and above `member`; of several, the first ranks highest.
    #[must_use]
    pub fn role<P: Into<String>>(mut self, name: impl Into<String>, permissions: impl IntoIterator<Item = P>) -> Self {
        self.registry = self.registry.role(name, permissions);
        self
    }

    /// Grants one more permission to a role, such as `member`.
    #[must_use]
    pub fn grant(mut self, role: impl Into<String>, permission: impl Into<String>) -> Self {
        self.registry = self.registry.grant(role, permission);
        self
    }

    /// Says that a permission that was registered once is not to come back: what was granted by its name grants
    /// nothing, and registering the name again fails the build.
    #[must_use]
    pub fn retired_permission(mut self, name: impl Into<String>) -> Self {
        self.registry = self.registry.retired_permission(name);
        self
    }

    /// Says the same of a role.
    #[must_use]
    pub fn retired_role(mut self, name: impl Into<String>) -> Self {
        self.registry = self.registry.retired_role(name);
        self
    }

    /// How the organization is chosen that a user means: what speaks of these must agree, see [`Choice`].
    ///
    /// Unless set, that is the header `X-Organization-Id` (an id or a slug), or else the user's only organization.
    #[must_use]
    pub fn choose(mut self, choices: impl IntoIterator<Item = Choice>) -> Self {
        self.choices = Some(choices.into_iter().collect());
        self
    }

    /// The paths that the service serves, in axum's syntax: what is not listed is 404, before any credential is looked at.
    /// For a layer around the whole router; see [`TenantryLayerBuilder::serves`](crate::TenantryLayerBuilder::serves).
    #[must_use]
    pub fn serves<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.served.get_or_insert_default().extend(paths.into_iter().map(Into::into));
        self
    }

    /// Paths that pass the layer as they came, such as those of the admin router: `/tenantry/{*path}`.
    ///
    /// # Danger
    /// No credential is asked for there. See [`TenantryLayerBuilder::exempt`](crate::TenantryLayerBuilder::exempt).
    #[must_use]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.exempt.extend(paths.into_iter().map(Into::into));
        self
    }

    /// How long a resolved [`Tenant`](crate::Tenant) is kept at most: 30 s unless set. Change notices end it earlier.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Lets every request read for itself, so that the very next one after a change sees it: one round trip each. See
    /// `TenantryLayerBuilder::strict`.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The host's side: its policies, and what it knows and does itself (a directory of users, a registrar, a mailer,
    /// hooks). Unless set, nothing is limited, looked up or told.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// The clock: the system's unless set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of randomness: the system's unless set. Secrets are made of it.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Checks all of it together. Call it inside of a tokio runtime: the layer listens to change notices in a task.
    ///
    /// # Errors
    /// At the first mistake, with the mend.
    pub fn build(self) -> Result<Tenantry, BuildError> {
        let store = self.store.ok_or_else(|| BuildError("there is no store: add store(…)".to_owned()))?;
        let registry = self.registry.build().map_err(BuildError::of)?;
        let jwt = self.jwt.map(|jwt| jwt.clock(self.clock.clone()));
        #[cfg(feature = "jwks")]
        let jwt = jwt.map(|jwt| jwt.entropy(self.entropy.clone()));
        let verifier = jwt.map(JwtVerifierBuilder::build).transpose().map_err(BuildError::of)?;
        let authenticator = Authenticator::new(verifier);
        let engine = Engine::builder(store, registry).clock(self.clock).entropy(self.entropy).host(self.host).build();
        let mut layer_builder = TenantryLayer::builder(engine.clone(), authenticator.clone());
        if let Some(choices) = self.choices {
            layer_builder = layer_builder.choose(choices);
        }
        if let Some(served) = self.served {
            layer_builder = layer_builder.serves(served);
        }
        layer_builder = layer_builder.exempt(self.exempt);
        if let Some(max_age) = self.max_age {
            layer_builder = layer_builder.max_age(max_age);
        }
        if self.strict {
            layer_builder = layer_builder.strict();
        }
        let layer = layer_builder.clone().build().map_err(BuildError::of)?;
        // The layer's builder has made sure that there is a runtime.
        tokio::spawn(engine.worker().run());
        Ok(Tenantry {
            engine,
            #[cfg(feature = "admin")]
            authenticator,
            layer,
            layer_builder,
        })
    }
}

impl fmt::Debug for TenantryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryBuilder").field("store", &self.store).field("jwt", &self.jwt).finish_non_exhaustive()
    }
}

/// A Tenantry cannot be built of what the host decided; the message names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(String);

impl BuildError {
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}
