//! A service on a port of its own, over a store of its own, and what to ask it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router, ServiceExt,
    extract::Request,
    routing::{get, post},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry::{
    EmbeddedStore, RedisOptions, RedisStore, Tenant, Tenantry, TenantryBuilder,
    core::{
        host::{
            Host,
            registrar::{NotRegistered, Registration},
        },
        store::Store,
        values::{
            clock::{Clock, SystemClock},
            ids::UserId,
        },
    },
    jwt::{Algorithm, ClaimNames, Issuer, JwtVerifier, JwtVerifierBuilder, Key},
    require,
};
use tenantry_testing::{
    model::ManualClock,
    redis_server::{NAMESPACE, RedisServer},
};

use crate::actors::{Actor, JWT_SECRET};

/// Runs a test on every store.
pub(crate) async fn on_every_store(test: impl AsyncFn(World)) {
    test(World::start(embedded()).await).await;
    test(World::start(redis(&new_namespace()).await).await).await;
}

/// A store of the process's own.
pub(crate) fn embedded() -> Arc<dyn Store> {
    Arc::new(EmbeddedStore::in_memory().unwrap())
}

/// One of several nodes on the Redis server of the tests.
pub(crate) async fn redis(namespace: &str) -> Arc<dyn Store> {
    // A machine that is busy with other tests decides nothing here.
    let (response, overall) = (Duration::from_secs(30), Duration::from_secs(60));
    let options = RedisOptions::default().namespace(namespace).response_timeout(response).overall_timeout(overall);
    Arc::new(RedisStore::connect(&RedisServer::shared().store_url(), options).await.unwrap())
}

/// A name under which nobody else keeps anything.
pub(crate) fn new_namespace() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{NAMESPACE}-wire-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What passes between two changes whose order is looked at: within a millisecond they have none.
const MOMENT: Duration = Duration::from_millis(1);

/// Who signs the JWTs of the tests' users.
pub(crate) fn issuer() -> Issuer {
    let claims = ClaimNames::new().username("preferred_username").platform_admin("platform_admin");
    Issuer::new("tests", Key::new(Algorithm::Hs256, JWT_SECRET)).audience("tests").claims(claims)
}

/// A service that is multi-tenant, and a client for it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) tenantry: Tenantry,
    pub(crate) base: String,
    /// What time it is: that of the machine, until the test lets more of it pass.
    pub(crate) clock: Arc<ManualClock>,
    client: reqwest::Client,
}

/// What the service answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl World {
    /// A service over `store`, with a permission and a role of its own.
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        // Whoever registers is called by their address.
        let registrar = async |registration: Registration| {
            UserId::new(registration.email).map_err(|error| NotRegistered::Failed(error.into()))
        };
        Self::start_with(store, Host::default().registrar(registrar)).await
    }

    /// A service that goes by the machine's clock, as one that is in use does.
    pub(crate) async fn in_real_time(store: Arc<dyn Store>) -> Self {
        let stopped = Arc::new(ManualClock::new(SystemClock.now()));
        Self::serve(store, Host::default(), vec![issuer()], Arc::new(SystemClock), stopped, usual).await
    }

    /// The same, with policies of the host.
    pub(crate) async fn start_with(store: Arc<dyn Store>, host: Host) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        Self::serve(store, host, vec![issuer()], clock.clone(), clock, usual).await
    }

    /// A service that believes these issuers.
    pub(crate) async fn believing(store: Arc<dyn Store>, issuers: Vec<Issuer>) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        Self::serve(store, Host::default(), issuers, clock.clone(), clock, usual).await
    }

    /// A service with permissions and roles other than the usual ones.
    pub(crate) async fn deploy(
        store: Arc<dyn Store>,
        register: impl FnOnce(TenantryBuilder) -> TenantryBuilder,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        Self::serve(store, Host::default(), vec![issuer()], clock.clone(), clock, register).await
    }

    async fn serve(
        store: Arc<dyn Store>,
        host: Host,
        issuers: Vec<Issuer>,
        by: Arc<dyn Clock>,
        clock: Arc<ManualClock>,
        register: impl FnOnce(TenantryBuilder) -> TenantryBuilder,
    ) -> Self {
        let verifier = issuers.into_iter().fold(JwtVerifier::builder(), JwtVerifierBuilder::issuer);
        let builder = Tenantry::builder().store(store).clock(by).host(host).jwt(verifier);
        let builder =
            builder.layer(|layer| layer.serves(["/whoami", "/notes", "/socket"]).exempt(["/tenantry/{*path}"]));
        let tenantry = register(builder).build().unwrap();
        let router = Router::new()
            .route("/whoami", get(whoami))
            .route("/socket", get(crate::sockets::open))
            .route("/notes", post(async || "written").route_layer(require("notes:write")))
            .nest("/tenantry", tenantry.router());
        let app = ServiceExt::<Request>::into_make_service(tenantry.layer().layer(router));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { tenantry, base, clock, client: reqwest::Client::new() }
    }

    /// Calls an operation.
    pub(crate) async fn call(&self, actor: &Actor, operation: &str, input: Value) -> Answer {
        let url = format!("{}/tenantry/v1/organizations/{operation}", self.base);
        self.send(actor, self.client.post(url).json(&input)).await
    }

    /// Calls an operation under an idempotency key.
    pub(crate) async fn call_once(&self, actor: &Actor, key: &str, operation: &str, input: Value) -> Answer {
        let url = format!("{}/tenantry/v1/organizations/{operation}", self.base);
        self.send(actor, self.client.post(url).json(&input).header("Idempotency-Key", key)).await
    }

    /// Asks a route behind the layer.
    pub(crate) async fn whoami(&self, actor: &Actor, organization: Option<&str>) -> Answer {
        let mut request = self.client.get(format!("{}/whoami", self.base));
        if let Some(organization) = organization {
            request = request.header("X-Organization-Id", organization);
        }
        self.send(actor, request).await
    }

    /// A request of any other form, to a path.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request in the name of `actor`.
    pub(crate) async fn send(&self, actor: &Actor, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(authorization) = &actor.authorization {
            request = request.header("Authorization", authorization);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// An organization that `owner` just created; its id.
    pub(crate) async fn organization(&self, owner: &Actor) -> String {
        self.clock.advance(MOMENT);
        let created = self.call(owner, "create", json!({ "name": "Acme" })).await.ok();
        created["organization"]["id"].as_str().unwrap().to_owned()
    }

    /// Has `actor` join with that role, by a code of the owner's.
    pub(crate) async fn join(&self, owner: &Actor, organization: &str, actor: &Actor, role: &str) {
        self.clock.advance(MOMENT);
        let input = json!({ "organizationId": organization, "role": role, "maxUses": 1 });
        let created = self.call(owner, "join-codes/create", input).await.ok();
        self.call(actor, "join-codes/join", json!({ "code": created["code"] })).await.ok();
    }

    /// An API token of the organization, with these permissions.
    pub(crate) async fn token(&self, owner: &Actor, organization: &str, permissions: &[&str]) -> Actor {
        let input = json!({ "organizationId": organization, "permissions": permissions });
        let created = self.call(owner, "tokens/create", input).await.ok();
        Actor::token(created["apiToken"]["bearer"].as_str().unwrap())
    }
}

/// The permission and the roles that the service has of its own.
pub(crate) fn usual(builder: TenantryBuilder) -> TenantryBuilder {
    builder
        .permission("notes:write")
        .role("writer", ["org:view", "notes:write"])
        .role("recruiter", ["org:view", "members:view", "members:manage"])
}

async fn whoami(tenant: Tenant) -> Json<Value> {
    Json(json!({
        "organizationId": tenant.organization_id(),
        "organization": tenant.organization_name(),
        "principal": tenant.principal(),
        "role": tenant.role(),
        "roles": tenant.roles(),
        "permissions": tenant.permissions(),
    }))
}

impl Answer {
    /// The body of an answer that must be 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// The refusal must have this status and this code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.body);
    }

    /// The refusal must be about this field.
    #[track_caller]
    pub(crate) fn names_field(&self, field: &str) {
        self.refused(400, "invalid_request");
        let fields: Vec<_> =
            self.body["errors"].as_array().into_iter().flatten().map(|error| &error["field"]).collect();
        assert!(fields.iter().any(|named| **named == field), "{field} is not among {fields:?}");
    }
}
