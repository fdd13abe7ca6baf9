//! An engine over the watched store, with people in it, and ways to ask a service.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::Full;
use serde_json::{Value, json};
use tenantry_core::{
    access::{
        caller::{Caller, Identity},
        registry::Registry,
    },
    engine::{
        Engine,
        operation::{Operation, Request as Asked},
    },
    operations::{join_codes, organizations, tokens},
    values::{
        entropy::SystemEntropy,
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
    wire::ApiTokenCreated,
};
use tenantry_embedded::EmbeddedStore;
use tenantry_tower::{
    Authenticator, JwtVerifier, JwtVerifierBuilder, Tenant, TenantryLayer, TenantryLayerBuilder, jwt::Issuer,
};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use super::{AUDIENCE, ISSUER, Signing, TestClock, Watched, claims, hs256_key, sign};

pub(crate) type Service = BoxCloneSyncService<Request<()>, Response<Full<Bytes>>, Infallible>;

/// Ann owns Acme.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) store: Arc<Watched>,
    pub(crate) engine: Engine,
    pub(crate) acme: OrganizationId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        let embedded = EmbeddedStore::in_memory_with_clock(clock.clone()).unwrap();
        let store = Arc::new(Watched::new(embedded));
        let registry = Registry::builder().permission("notes:read").permission("notes:write").build().unwrap();
        let engine = Engine::builder(store.clone(), registry).clock(clock.clone()).build();
        let acme = organization(&engine, "ann", "Acme").await;
        Self { clock, store, engine, acme }
    }

    pub(crate) async fn organization(&self, owner: &str, name: &str) -> OrganizationId {
        organization(&self.engine, owner, name).await
    }

    /// Lets `user` join Acme.
    pub(crate) async fn join(&self, user: &str, role: &str) {
        let role = Some(RoleName::new(role).unwrap());
        let mut create = join_codes::Create::new(self.acme);
        create.role = role;
        let created = self.run("ann", &create).await;
        self.run(user, &join_codes::Join::new(created.code)).await;
    }

    /// An API token of Acme.
    pub(crate) async fn token(&self, permissions: &[&str], lifetime: Option<Duration>) -> ApiTokenCreated {
        use tenantry_core::values::clock::Clock;
        let mut create = tokens::Create::new(self.acme);
        create.permissions = Some(permissions.iter().map(ToString::to_string).collect());
        create.expires_at = lifetime.map(|lifetime| self.clock.now().after(lifetime));
        self.run("ann", &create).await.api_token
    }

    pub(crate) async fn run<O: Operation>(&self, user: &str, operation: &O) -> O::Output {
        self.engine.run(&asked(user), operation).await.unwrap()
    }

    /// As on another node: only the store's notice tells of it.
    pub(crate) async fn run_elsewhere<O: Operation>(&self, user: &str, operation: &O) -> O::Output {
        let (registry, entropy) = (self.engine.registry().clone(), Arc::new(SystemEntropy));
        let elsewhere =
            Engine::builder(self.store.clone(), registry).clock(self.clock.clone()).entropy(entropy).build();
        elsewhere.run(&asked(user), operation).await.unwrap()
    }

    pub(crate) fn authenticator(&self) -> Authenticator {
        self.believing([Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE)])
    }

    /// Believes these issuers.
    pub(crate) fn believing(&self, issuers: impl IntoIterator<Item = Issuer>) -> Authenticator {
        let verifier = issuers.into_iter().fold(JwtVerifier::builder(), JwtVerifierBuilder::issuer);
        Authenticator::new().jwt(verifier.clock(self.clock.clone()).build().unwrap())
    }

    pub(crate) fn layer(&self) -> TenantryLayerBuilder {
        TenantryLayer::builder(self.engine.clone(), self.authenticator())
    }

    /// The value of an `Authorization` header with a JWT of `user`.
    pub(crate) fn bearer(&self, user: &str) -> String {
        format!("Bearer {}", sign(&claims(user, &self.clock), &Signing::hs256()))
    }

    /// Waits until the layer has heard from the store: then a question that was asked before is not asked again.
    pub(crate) async fn until_remembered(&self, service: &Service, request: impl Fn() -> Request<()>) {
        eventually("the answer is remembered", async || {
            ask_clone(service, request()).await;
            let before = self.store.reads();
            ask_clone(service, request()).await;
            self.store.reads() == before
        })
        .await;
    }
}

async fn organization(engine: &Engine, owner: &str, name: &str) -> OrganizationId {
    let create: organizations::Create = serde_json::from_value(json!({ "name": name })).unwrap();
    engine.run(&asked(owner), &create).await.unwrap().organization.id
}

/// Root is a platform admin.
fn asked(user: &str) -> Asked {
    let mut identity = Identity::new(UserId::new(user).unwrap());
    identity.platform_admin = user == "root";
    Asked::new(Caller::User(Box::new(identity)))
}

/// A plain tower service behind the layer, which tells what it finds in the extensions.
pub(crate) fn plain(layer: &TenantryLayer) -> Service {
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let told = match request.extensions().get::<Tenant>() {
            Some(tenant) => json!({
                "organization": tenant.organization_name(),
                "principal": tenant.principal().id(),
                "role": tenant.role().map(RoleName::as_str),
                "permissions": tenant.permissions(),
            }),
            None => Value::Null,
        };
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(told.to_string())))
    }));
    Service::new(service.map_future(|future| -> BoxFuture<'static, _> { Box::pin(future) }))
}

/// What a service answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) async fn read<B>(response: Response<B>) -> Self
    where
        B: http_body_util::BodyExt<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8(body.to_vec()).unwrap()));
        Self { status: parts.status, headers: parts.headers, body }
    }
}

/// `GET path` with these headers.
pub(crate) fn get<B: Default>(path: &str, headers: &[(&str, &str)]) -> Request<B> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(B::default()).unwrap()
}

pub(crate) async fn ask(service: &Service, headers: &[(&str, &str)]) -> Answer {
    ask_clone(service, get("/", headers)).await
}

pub(crate) async fn ask_clone(service: &Service, request: Request<()>) -> Answer {
    Answer::read(service.clone().oneshot(request).await.unwrap()).await
}

/// Waits until `condition` holds, within bounds that no healthy run comes near.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..4000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("in vain: {what}");
}

/// A request with this `Authorization`.
pub(crate) fn with_authorization(value: &str) -> Request<()> {
    Request::builder().header(AUTHORIZATION, value).body(()).unwrap()
}
