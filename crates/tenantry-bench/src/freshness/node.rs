//! A node: a store, an engine and a service behind the layer, with a thread of its own that listens to notices.

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Result, bail};
use axum::{Router, body::Body, http::StatusCode, routing::get};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use tenantry_core::{access::registry::Registry, engine::Engine};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::counting::Counting;
use tenantry_tower::{Authenticator, Tenant, TenantryLayer, TenantryLayerBuilder};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::{
    figures::{Figures, now},
    measure::{Subject, subject},
    world::verifier,
};

/// Where everybody is let in who is a plain member or an API token, and nobody who is more.
pub(super) const MEMBER: &str = "/member";
/// Where admins are let in.
pub(super) const ADMIN: &str = "/admin";
/// How long to wait between two requests to a node: no core should be busy with asking alone.
const PAUSE: Duration = Duration::from_micros(20);
/// How often it is asked before it is thought never to change its mind.
const TRIES_MAX: usize = 1_000_000;

pub(super) struct Node {
    pub(super) runtime: Runtime,
    pub(super) engine: Engine,
    pub(super) service: Subject,
    store: Arc<Counting>,
}

impl Node {
    pub(super) fn start(
        url: &str,
        configure: impl FnOnce(TenantryLayerBuilder) -> TenantryLayerBuilder,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (engine, service, store) = runtime.block_on(async {
            let store = Arc::new(Counting::new(Arc::new(RedisStore::connect(url, Options::new()).await?)));
            let engine = Engine::new(store.clone(), Registry::builder().build()?);
            let builder = TenantryLayer::builder(engine.clone(), Authenticator::new().jwt(verifier()?));
            let layer = configure(builder).build()?;
            let router = Router::new()
                .route(
                    MEMBER,
                    get(async |tenant: Tenant| only(tenant.role().is_none_or(|role| role.as_str() == "member"))),
                )
                .route(
                    ADMIN,
                    get(async |tenant: Tenant| only(tenant.role().is_some_and(|role| role.as_str() == "admin"))),
                );
            anyhow::Ok((engine, subject(layer.layer(router)), store))
        })?;
        Ok(Self { runtime, engine, service, store })
    }

    /// What the node answers now.
    pub(super) fn ask(&self, path: &'static str, credential: &HeaderValue) -> StatusCode {
        self.runtime.block_on(ask(self.service.clone(), path, credential))
    }

    /// Asks until the node grants it and has the answer in its cache.
    pub(super) fn learn(&self, credential: &HeaderValue) -> Result<()> {
        for _ in 0..TRIES_MAX {
            self.store.take();
            let status = self.ask(MEMBER, credential);
            if status == StatusCode::OK && self.store.take().calls() == 0 {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("the node does not remember what it granted")
    }

    /// Asks until the node refuses; tells in milliseconds, from now, when that request was sent.
    pub(super) fn sample(&self, credential: &HeaderValue, figures: &mut Figures) -> Result<()> {
        let begun = now();
        for _ in 0..TRIES_MAX {
            let sent = begun.elapsed();
            if self.ask(MEMBER, credential) != StatusCode::OK {
                figures.push(sent.as_secs_f64() * 1000.0);
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("the node never refuses")
    }
}

fn only(condition: bool) -> StatusCode {
    if condition { StatusCode::OK } else { StatusCode::GONE }
}

pub(super) async fn ask(service: Subject, path: &'static str, credential: &HeaderValue) -> StatusCode {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(path);
    request.headers_mut().insert(AUTHORIZATION, credential.clone());
    let Ok(answer) = service.oneshot(request).await;
    answer.status()
}
