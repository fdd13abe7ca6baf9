//! What a host decides, put together and checked.

use std::{fmt, sync::Arc};

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
use tenantry_tower::{Authenticator, BuildError, TenantryLayer, TenantryLayerBuilder, jwt::JwtVerifierBuilder};

use crate::Tenantry;

/// What the host says of the layer.
type SetLayer = Box<dyn FnOnce(TenantryLayerBuilder) -> TenantryLayerBuilder + Send>;

/// Collects what a host decides.
pub struct TenantryBuilder {
    store: Option<Arc<dyn Store>>,
    registry: RegistryBuilder,
    jwt: Option<JwtVerifierBuilder>,
    layer: Vec<SetLayer>,
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
            layer: Vec::new(),
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

    /// Sets the layer: which paths it serves, how a user's organization is chosen, how long an answer is remembered. See
    /// [`TenantryLayerBuilder`] for all of it. Called again, it goes on from what was set before.
    ///
    /// ```
    /// use tenantry::{Choice, Tenantry};
    ///
    /// let builder = Tenantry::builder()
    ///     .layer(|layer| layer.serves(["/notes"]).choose([Choice::Header(Choice::HEADER), Choice::Only]).strict());
    /// # let _ = builder;
    /// ```
    #[must_use]
    pub fn layer(mut self, set: impl FnOnce(TenantryLayerBuilder) -> TenantryLayerBuilder + Send + 'static) -> Self {
        self.layer.push(Box::new(set));
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
        let store = self.store.ok_or_else(|| BuildError::new("there is no store: add store(…)"))?;
        let registry = self.registry.build().map_err(BuildError::of)?;
        let jwt = self.jwt.map(|jwt| jwt.clock(self.clock.clone()));
        #[cfg(feature = "jwks")]
        let jwt = jwt.map(|jwt| jwt.entropy(self.entropy.clone()));
        let verifier = jwt.map(JwtVerifierBuilder::build).transpose()?;
        let authenticator = Authenticator::new(verifier);
        let engine = Engine::builder(store, registry).clock(self.clock).entropy(self.entropy).host(self.host).build();
        let begun = TenantryLayer::builder(engine.clone(), authenticator.clone());
        let layer = self.layer.into_iter().fold(begun, |layer, set| set(layer)).build()?;
        // The layer's builder has made sure that there is a runtime.
        tokio::spawn(engine.worker().run());
        Ok(Tenantry {
            engine,
            #[cfg(feature = "admin")]
            authenticator,
            layer,
        })
    }
}

impl fmt::Debug for TenantryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantryBuilder").field("store", &self.store).field("jwt", &self.jwt).finish_non_exhaustive()
    }
}
