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
#[cfg(feature = "jwt")]
use tenantry_tower::jwt::JwtVerifierBuilder;
use tenantry_tower::{Authenticator, BuildError, IdentitySource, TenantryLayer, TenantryLayerBuilder};

use crate::Tenantry;

/// What the host says of the layer.
type SetLayer = Box<dyn FnOnce(TenantryLayerBuilder) -> TenantryLayerBuilder + Send>;

/// Collects what a host decides.
pub struct TenantryBuilder {
    store: Option<Arc<dyn Store>>,
    registry: RegistryBuilder,
    #[cfg(feature = "jwt")]
    jwt: Option<JwtVerifierBuilder>,
    #[cfg(feature = "jwt")]
    jwt_cookie: Option<String>,
    authenticator: Authenticator,
    trusted_origins: Vec<String>,
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
            #[cfg(feature = "jwt")]
            jwt: None,
            #[cfg(feature = "jwt")]
            jwt_cookie: None,
            authenticator: Authenticator::new(),
            trusted_origins: Vec::new(),
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
    /// the feature `jwks` by those that an issuer publishes. Without this no JWT is accepted.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt(mut self, verifier: JwtVerifierBuilder) -> Self {
        self.jwt = Some(verifier);
        self
    }

    /// Accepts a JWT also in the cookie of this name, where there is no `Authorization`: see [`identity`](crate::identity)
    /// for what a host must take care of then.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt_cookie(mut self, name: impl Into<String>) -> Self {
        self.jwt_cookie = Some(name.into());
        self
    }

    /// The origins, beside the service's own, whose pages may make requests with the cookies of its users, such as
    /// `https://app.example.com`. All other sites are refused: see [`identity`](crate::identity).
    #[must_use]
    pub fn trusted_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.trusted_origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Asks `source` who is calling where there is no `Authorization`: for users who have a session, or whom a proxy names.
    /// A closure is a source; see [`IdentitySource`].
    #[must_use]
    pub fn identity_source(mut self, source: impl IdentitySource) -> Self {
        self.authenticator = self.authenticator.identity_source(source);
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
        let authenticator = self.authenticator.trusted_origins(self.trusted_origins)?;
        #[cfg(feature = "jwt")]
        let authenticator = match (self.jwt, self.jwt_cookie) {
            (Some(jwt), cookie) => {
                let jwt = jwt.clock(self.clock.clone());
                #[cfg(feature = "jwks")]
                let jwt = jwt.entropy(self.entropy.clone());
                let authenticator = authenticator.jwt(jwt.build()?);
                cookie.into_iter().fold(authenticator, Authenticator::jwt_cookie)
            }
            (None, Some(_)) => {
                return Err(BuildError::new("there is a cookie for JWTs and nothing to verify them with: add jwt(…)"));
            }
            (None, None) => authenticator,
        };
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
        let mut shown = f.debug_struct("TenantryBuilder");
        shown.field("store", &self.store).field("authenticator", &self.authenticator);
        #[cfg(feature = "jwt")]
        shown.field("jwt", &self.jwt);
        shown.finish_non_exhaustive()
    }
}
