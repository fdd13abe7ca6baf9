//! A request whose answer is known, in process and without a network: an axum route `GET /whoami`, bare and behind each
//! layer, 1,000 distinct credentials in turn.
//!
//! All ways are measured in turns; the figure is the difference of the fastest rounds, which is the steadiest that a
//! shared machine yields. Another program counts the allocations of the same ways.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use axum::{Router, body::Body, middleware, response::Response, routing::get};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use tenantry_core::{access::caller::Identity, values::ids::UserId};
use tenantry_embedded::EmbeddedStore;
use tenantry_testing::counting::{Counting, Counts};
use tenantry_tower::{Authenticator, TenantryLayer, identity};
use tokio::runtime::Runtime;
use tower::util::MapRequestLayer;
use tower_layer::Layer;
use tower_service::Service;

use super::cores;
use crate::{
    allocations::{self, Allocations, SoFar},
    measure::{self, Subject, Way, ask, interleaved, subject},
    peers::{Cached, Empty, Verified, cached, judged},
    table::Table,
    world::{MAX_AGE, World, key_file},
};

const CREDENTIALS: usize = 1000;
const ROUNDS: usize = 25;
const REQUESTS: usize = 20_000;

/// How often it is looked whether the answers are known.
const TRIES_MAX: usize = 1000;

/// How many credentials there are under callgrind, where making them takes long.
const CREDENTIALS_REPEATED: usize = 50;

/// Measures, and publishes the tables `layer-known` and `layer-cores`.
pub(super) fn run() -> Result<()> {
    let allocations = allocations::of(&["known"])?;
    // On this thread, while the runtime's own thread listens to change notices.
    runtime()?.block_on(async {
        let (store, mut ways) = known_ways().await?;
        let measured = interleaved(&mut ways, ROUNDS, REQUESTS).await;
        let asked = store.take();
        ensure!(asked == Counts::default(), "the answers were not known: {asked:?}");
        let title = format!(
            "A known answer, in process: nanoseconds for a request; {ROUNDS} rounds of {REQUESTS} requests each, in turns"
        );
        let columns = ["way", "fastest round", "median", "half of the rounds", "above bare", "allocations above bare"];
        let mut table = Table::new(&title, &columns);
        let allocated = |way: &Way| allocations.get(way.name).copied().context("each way has its allocations counted");
        let (bare, bare_allocated) = (measured[0].least(), allocated(&ways[0])?);
        for (way, ns) in ways.iter().zip(&measured) {
            table.row([
                way.name.to_owned(),
                format!("{:.0}", ns.least()),
                format!("{:.0}", ns.median()),
                ns.spread(0),
                format!("{:.0}", ns.least() - bare),
                format!("{:.1}", allocated(way)? - bare_allocated),
            ]);
        }
        table.publish("layer-known")?;
        cores::run(&ways)
    })
}

/// Counts the allocations of each way.
pub(crate) fn allocations(so_far: SoFar) -> Result<Allocations> {
    runtime()?.block_on(async {
        let (_, mut ways) = known_ways().await?;
        Ok(measure::allocations(&mut ways, REQUESTS, so_far).await)
    })
}

/// All ways, whose answers are known, and the store that they ask nothing any more.
async fn known_ways() -> Result<(Arc<Counting>, Vec<Way>)> {
    let store = store()?;
    let world = World::new(store.clone(), CREDENTIALS).await?;
    let mut ways = ways(&world)?;
    for way in &mut ways {
        until_known(way, &store).await?;
    }
    Ok((store, ways))
}

/// Asks one way `count` times and measures nothing: for `valgrind --tool=callgrind --toggle-collect='*repeated*'`.
pub(crate) fn repeat(name: &str, count: usize) -> Result<()> {
    let runtime = runtime()?;
    let (mut way, credentials) = runtime.block_on(async {
        let store = store()?;
        let world = World::new(store.clone(), CREDENTIALS_REPEATED).await?;
        let ways = ways(&world)?;
        let names = ways.iter().map(|way| way.name).collect::<Vec<_>>().join("\n");
        let way = ways.into_iter().find(|way| way.name == name);
        let mut way = way.with_context(|| format!("there is no way {name:?}. These there are:\n{names}"))?;
        until_known(&mut way, &store).await?;
        anyhow::Ok((way.service, way.credentials))
    })?;
    repeated(&runtime, &mut way, &credentials, count);
    println!("{name}: {count} requests");
    Ok(())
}

/// Asks until the store is asked nothing any more. It takes a moment until the layer hears that notices arrive.
pub(super) async fn until_known(way: &mut Way, store: &Counting) -> Result<()> {
    for _ in 0..TRIES_MAX {
        store.take();
        ask(&mut way.service, &way.credentials, way.credentials.len()).await;
        if store.take() == Counts::default() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{}: the answers do not become known", way.name)
}

/// What is to be counted, by a name that callgrind finds.
#[inline(never)]
fn repeated(runtime: &Runtime, service: &mut Subject, credentials: &[HeaderValue], count: usize) {
    runtime.block_on(ask(service, credentials, count));
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn store() -> Result<Arc<Counting>> {
    Ok(Arc::new(Counting::new(Arc::new(EmbeddedStore::in_memory()?))))
}

fn ways(world: &World) -> Result<Vec<Way>> {
    let route = || Router::new().route("/whoami", get(async || "ok"));
    let way = |name, service, credentials: &Arc<[HeaderValue]>| Way { name, service, credentials: credentials.clone() };
    // Each has a layer of its own, as each of the others has a cache of its own.
    let tenancy = || anyhow::Ok(subject(world.layer().build()?.layer(route())));
    let by_router = || anyhow::Ok(subject(route().layer(world.layer().build()?)));
    let by_route_layer = || anyhow::Ok(subject(route().route_layer(world.layer().build()?)));
    // As the README has it: the layer knows what is served, and lets the admin router's paths pass.
    let serving = || {
        let layer = world.layer().serves(["/notes", "/notes/{id}", "/whoami"]).exempt(["/tenantry/{*path}"]);
        anyhow::Ok(subject(layer.build()?.layer(route())))
    };
    let by_identity = || {
        let authenticator = Authenticator::new().identity_source(identity::from_extensions);
        let layer = TenantryLayer::builder(world.engine.clone(), authenticator).max_age(MAX_AGE);
        anyhow::Ok(layer.build()?.layer(route()))
    };
    let session = Session::new(&world.hs256)?;
    let moka = Cached::new(&world.tokens);
    let rs256 = Verified::rs256(&key_file("test-rsa-2048-public.pem")?)?;
    let eddsa = Verified::eddsa(&key_file("test-ed25519-public.pem")?)?;
    Ok(vec![
        way("bare", subject(route()), &world.tokens),
        way("an empty layer that inserts an Arc", subject(judged(Empty("acme".into())).layer(route())), &world.tokens),
        way("TenantryLayer, API token", tenancy()?, &world.tokens),
        way("TenantryLayer, JWT HS256", tenancy()?, &world.hs256),
        way("TenantryLayer, JWT RS256", tenancy()?, &world.rs256),
        way("TenantryLayer, JWT EdDSA", tenancy()?, &world.eddsa),
        way("TenantryLayer that serves, API token", serving()?, &world.tokens),
        way("TenantryLayer that serves, JWT HS256", serving()?, &world.hs256),
        way("TenantryLayer by Router::route_layer, API token", by_route_layer()?, &world.tokens),
        way("TenantryLayer by Router::layer, API token", by_router()?, &world.tokens),
        way("TenantryLayer by Router::layer, JWT HS256", by_router()?, &world.hs256),
        way("a session layer that inserts an identity", session.clone().around(route()), &world.hs256),
        way("a session layer, and TenantryLayer", session.around(by_identity()?), &world.hs256),
        way("by hand: SHA-256, moka", subject(judged(moka.clone()).layer(route())), &world.tokens),
        way("by hand: SHA-256, moka, by Router::layer", subject(route().layer(judged(moka.clone()))), &world.tokens),
        way(
            "by hand: SHA-256, moka, by from_fn",
            subject(route().layer(middleware::from_fn_with_state(moka, cached))),
            &world.tokens,
        ),
        way("by hand: jsonwebtoken HS256", subject(judged(Verified::hs256()).layer(route())), &world.hs256),
        way("by hand: jsonwebtoken RS256", subject(judged(rs256).layer(route())), &world.rs256),
        way("by hand: jsonwebtoken EdDSA", subject(judged(eddsa).layer(route())), &world.eddsa),
    ])
}

/// What a host's session layer does: it takes the credential for a session's, and puts the user into the request.
#[derive(Clone)]
struct Session(Arc<HashMap<HeaderValue, Arc<Identity>>>);

impl Session {
    /// The credential of each user is their session.
    fn new(credentials: &[HeaderValue]) -> Result<Self> {
        let mut users = HashMap::new();
        for (number, credential) in credentials.iter().enumerate() {
            let user = UserId::new(format!("user{number}"))?;
            users.insert(credential.clone(), Arc::new(Identity::new(user)));
        }
        Ok(Self(Arc::new(users)))
    }

    /// Around `inner`, which sees the user and no credential.
    fn around<S>(self, inner: S) -> Subject
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let know = MapRequestLayer::new(move |mut request: Request<Body>| {
            let credential = request.headers_mut().remove(AUTHORIZATION);
            if let Some(user) = credential.and_then(|credential| self.0.get(&credential).cloned()) {
                request.extensions_mut().insert(user);
            }
            request
        });
        subject(know.layer(inner))
    }
}
