//! Tests of a host: a whole [`Tenantry`] in memory, real tenants in it, requests of people, and a clock that the test moves.
//!
//! Nothing here is a fake: what a test is given was decided as it is in service.
//!
//! ```
//! use tenantry::{Tenant, testing::TestTenantry};
//!
//! /// A handler of the host's, which needs no request.
//! async fn void_invoice(tenant: Tenant) -> Result<String, &'static str> {
//!     if tenant.has("invoices:write") { Ok(format!("voided in {}", tenant.organization_name())) } else { Err("no") }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let test = TestTenantry::build(|builder| builder.permission("invoices:write"))?;
//! assert_eq!(void_invoice(test.tenant("ann", &["invoices:write"]).await?).await?, "voided in Test");
//! assert!(void_invoice(test.tenant("bob", &[]).await?).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! Whole requests go through the host's app, which is built with [`TestTenantry::tenantry`]:
//!
//! ```
//! use axum::{Router, body::Body, http::Method, routing::get};
//! use tenantry::{Tenant, testing::TestTenantry};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let test = TestTenantry::build(|builder| builder)?;
//! let acme = test.organization("ann", "Acme").await?;
//! let app = Router::new()
//!     .route("/", get(async |tenant: Tenant| tenant.organization_name().to_owned()))
//!     .route_layer(test.tenantry().layer());
//! for (who, status) in [(test.as_user("ann"), 200), (test.as_user("bob"), 403), (test.as_nobody(), 401)] {
//!     let response = app.clone().oneshot(who.request(Method::GET, "/").body(Body::empty())?).await?;
//!     assert_eq!(response.status(), status);
//! }
//! let token = test.as_token(acme, &["org:view"]).await?;
//! let response = app.oneshot(token.request(Method::GET, "/").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{Method, header::AUTHORIZATION, request};
use tenantry_core::{
    access::caller::Identity,
    operations::{members, organizations, roles, tokens},
    values::{
        clock::{Clock, SystemClock, Timestamp},
        error::Error,
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
};
use tenantry_tower::{BuildError, Tenant, identity};

use crate::{EmbeddedStore, Tenantry, TenantryBuilder};

/// A whole Tenantry in memory, for tests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TestTenantry {
    tenantry: Tenantry,
    clock: Arc<TestClock>,
}

/// Somebody who makes requests in a test.
#[derive(Debug, Clone)]
pub struct TestActor {
    identity: Option<Arc<Identity>>,
    authorization: Option<String>,
}

/// The system's clock, until the test lets more time pass.
#[derive(Debug, Default)]
pub struct TestClock {
    ahead_millis: AtomicU64,
}

impl TestTenantry {
    /// A Tenantry over an empty store in memory, with what the host registers. Call it inside of a tokio runtime.
    ///
    /// Its requests name their user by an [`Arc<Identity>`](Identity) in the extensions
    /// ([`identity::from_extensions`]), in the place of the host's own source of identity.
    ///
    /// # Errors
    /// If the host's settings cannot be used.
    pub fn build(register: impl FnOnce(TenantryBuilder) -> TenantryBuilder) -> Result<Self, BuildError> {
        let clock = Arc::new(TestClock::default());
        let store = EmbeddedStore::in_memory_with_clock(clock.clone()).map_err(BuildError::of)?;
        let builder = register(Tenantry::builder()).store(Arc::new(store)).clock(clock.clone());
        let tenantry = builder.identity_source(identity::from_extensions).build()?;
        Ok(Self { tenantry, clock })
    }

    /// What the host's app is built with.
    #[must_use]
    pub fn tenantry(&self) -> &Tenantry {
        &self.tenantry
    }

    /// The clock by which everything expires.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// A new organization of this name, which the user owns.
    ///
    /// # Errors
    /// If the id or the name is not valid.
    pub async fn organization(&self, owner: &str, name: &str) -> Result<OrganizationId, Error> {
        let owner = self.tenantry.as_user(Identity::new(user(owner)?));
        Ok(owner.run(&organizations::Create::new(name)).await?.organization.id)
    }

    /// Makes the user a member who holds exactly these permissions, by a role of the organization's own.
    ///
    /// # Errors
    /// If the id is not valid, or a permission is not registered.
    pub async fn member(&self, organization: OrganizationId, id: &str, permissions: &[&str]) -> Result<(), Error> {
        let host = self.tenantry.as_host("test").map_err(Error::internal)?;
        // One role for each set of permissions: several members may share it.
        let mut hasher = DefaultHasher::new();
        permissions.hash(&mut hasher);
        let role = RoleName::new(&format!("test-{:x}", hasher.finish())).map_err(Error::internal)?;
        let mut show = roles::Show::new();
        show.organization_id = Some(organization);
        if !host.run(&show).await?.matrix.contains_key(&role) {
            let permissions: Vec<_> = permissions.iter().map(ToString::to_string).collect();
            host.run(&roles::Create::new(organization, role.clone(), permissions)).await?;
        }
        let mut add = members::Add::new(organization, user(id)?);
        add.roles = Some(vec![role]);
        host.run(&add).await.map(drop)
    }

    /// The user as a member of a new organization called "Test", with exactly these permissions: what a handler is given.
    ///
    /// # Errors
    /// If the id is not valid, or a permission is not registered.
    pub async fn tenant(&self, id: &str, permissions: &[&str]) -> Result<Tenant, Error> {
        let organization = self.organization("test-owner", "Test").await?;
        self.member(organization, id, permissions).await?;
        self.tenantry.as_user(Identity::new(user(id)?)).tenant(organization).await
    }

    /// Requests of a user.
    ///
    /// # Panics
    /// If the id is not valid.
    #[must_use]
    pub fn as_user(&self, id: &str) -> TestActor {
        let identity = Identity::new(user(id).unwrap_or_else(|error| panic!("{id:?}: {error}")));
        TestActor { identity: Some(Arc::new(identity)), authorization: None }
    }

    /// Requests of a new API token with these permissions.
    ///
    /// # Errors
    /// If there is no such organization, or a permission is not registered.
    pub async fn as_token(&self, organization: OrganizationId, permissions: &[&str]) -> Result<TestActor, Error> {
        let host = self.tenantry.as_host("test").map_err(Error::internal)?;
        let mut create = tokens::Create::new(organization);
        create.permissions = Some(permissions.iter().map(ToString::to_string).collect());
        let bearer = host.run(&create).await?.api_token.bearer;
        Ok(TestActor { identity: None, authorization: Some(format!("Bearer {bearer}")) })
    }

    /// Requests without a credential.
    #[must_use]
    pub fn as_nobody(&self) -> TestActor {
        TestActor { identity: None, authorization: None }
    }
}

impl TestActor {
    /// Begins a request of theirs.
    #[must_use]
    pub fn request(&self, method: Method, uri: &str) -> request::Builder {
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(identity) = &self.identity {
            request = request.extension(identity.clone());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request
    }
}

impl TestClock {
    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.ahead_millis.fetch_add(millis, Ordering::SeqCst);
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_millis.load(Ordering::SeqCst))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().after(self.ahead())
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed() + self.ahead()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep(duration)
    }
}

fn user(id: &str) -> Result<UserId, Error> {
    UserId::new(id).map_err(|error| Error::invalid_field("userId", "invalid", error.to_string()))
}
