//! The same over loopback, with rivals that ask Redis: real HTTP, 32 connections that stay open, a thread that serves
//! and a thread that asks, the Redis server beside them.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use axum::{Router, routing::get};
use bytes::Bytes;
use http::HeaderValue;
use tenantry_testing::redis_server::RedisServer;
use tokio::runtime::Runtime;
use tower_layer::Layer;

use crate::{
    allocations::{self, Allocations, SoFar},
    commands::Commands,
    figures::{Figures, each_ns, now},
    load::{self, CONNECTIONS, Connection},
    measure::{Subject, subject},
    peers::{
        Cached, Empty, Verified, judged,
        role_in_redis::{self, Access, Proof, asking},
        sessions,
    },
    plot,
    site::serve,
    table::Table,
    world::{World, key_file, patient},
};

const CREDENTIALS: usize = 1000;
const ROUNDS: usize = 30;
const ROUND: Duration = Duration::from_millis(150);
/// How many requests are counted, in allocations and in what Redis is asked for; also how many one caller asks in a
/// round.
const COUNTED: usize = CREDENTIALS;

/// So soon that an answer is always forgotten before it is asked for again, a thousand requests later.
const FORGOTTEN: Duration = Duration::from_millis(1);

/// One way to do it, served.
struct Site {
    name: &'static str,
    address: SocketAddr,
    requests: Vec<Bytes>,
    /// Which of the sites does nothing with the same requests: a longer credential costs more to send and to read,
    /// whoever looks at it. The first unless it is said.
    bare: usize,
}

/// What was measured of one site.
#[derive(Default)]
struct Measured {
    per_second: Figures,
    /// Microseconds for a request of one caller.
    alone_us: Figures,
    /// What Redis was asked for, for one request.
    asked: String,
}

/// Measures, and publishes the table `layer-loopback`.
pub(super) fn run() -> Result<()> {
    let allocations = allocations::of(&["loopback"])?;
    let (server, serving) = (RedisServer::start(&[]), serving()?);
    let sites = serving.block_on(async { serving.spawn(sites(server.url())).await })??;
    let client = client()?;
    let mut measured: Vec<Measured> = sites.iter().map(|_| Measured::default()).collect();
    for site in &sites {
        load::per_second(site.address, &site.requests, CONNECTIONS, ROUND)?;
    }
    for round in 0..ROUNDS {
        // Each begins a round once, so that none always has the same neighbour.
        for place in (0..sites.len()).map(|place| (place + round) % sites.len()) {
            let (site, measured) = (&sites[place], &mut measured[place]);
            measured.per_second.push(load::per_second(site.address, &site.requests, CONNECTIONS, ROUND)?);
            measured.alone_us.push(client.block_on(alone(site))? / 1000.0);
        }
    }
    for (site, measured) in sites.iter().zip(&mut measured) {
        let before = Commands::so_far(&server);
        client.block_on(alone(site))?;
        measured.asked = Commands::so_far(&server).each_since(&before, COUNTED);
    }
    publish(&sites, &measured, &allocations)
}

/// Counts the allocations of each site.
pub(crate) fn allocations(so_far: SoFar) -> Result<Allocations> {
    let (server, serving) = (RedisServer::start(&[]), serving()?);
    let sites = serving.block_on(async { serving.spawn(sites(server.url())).await })??;
    let client = client()?;
    let mut counted = Allocations::new();
    for site in &sites {
        // Answers become known, and connections are made.
        client.block_on(alone(site))?;
        let before = so_far().allocations;
        client.block_on(alone(site))?;
        counted.insert(site.name.to_owned(), (so_far().allocations - before) as f64 / COUNTED as f64);
    }
    Ok(counted)
}

fn serving() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn client() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn publish(sites: &[Site], measured: &[Measured], allocations: &Allocations) -> Result<()> {
    let title = format!(
        "Over loopback, {CONNECTIONS} connections: {ROUNDS} rounds of {} ms each, in turns; and one caller alone",
        ROUND.as_millis()
    );
    let columns = [
        "way",
        "req/s",
        "% of bare with the same requests",
        "half of the rounds",
        "one caller, µs above bare",
        "allocations above bare",
        "asked of Redis for a request",
    ];
    let mut table = Table::new(&title, &columns);
    let mut percents = Vec::new();
    let allocated = |site: &Site| allocations.get(site.name).context("each site has its allocations counted");
    for (site, here) in sites.iter().zip(measured) {
        let bare = measured.get(site.bare).context("bare is first")?;
        let bare_allocated = allocated(&sites[site.bare])?;
        let percent = here.per_second.percent_of(&bare.per_second);
        percents.push((site.name, percent.median()));
        table.row([
            site.name.to_owned(),
            format!("{:.0}", here.per_second.median()),
            format!("{:.1}", percent.median()),
            percent.spread(1),
            format!("{:.1}", here.alone_us.least() - bare.alone_us.least()),
            format!("{:.0}", allocated(site)? - bare_allocated),
            here.asked.clone(),
        ]);
    }
    table.publish("layer-loopback")?;
    plot::bars("layer-loopback", "Throughput over loopback, 32 connections", "% of a bare axum route", &percents)
}

/// Nanoseconds for a request on one connection.
async fn alone(site: &Site) -> Result<f64> {
    let mut connection = Connection::open(site.address).await?;
    let begun = now();
    for request in site.requests.iter().cycle().take(COUNTED) {
        let status = connection.status(request).await?;
        ensure!(status == 200, "{}: what is measured must succeed, but is answered {status}", site.name);
    }
    Ok(each_ns(begun.elapsed(), COUNTED))
}

/// Everything that is compared.
async fn sites(url: String) -> Result<Vec<Site>> {
    let store = Arc::new(patient(&url).await?);
    let world = World::new(store, CREDENTIALS).await?;
    let mut sites = Sites::default();
    of_known_answers(&mut sites, &world).await?;
    of_unknown_answers(&mut sites, &world).await?;
    of_roles_in_redis(&mut sites, &world, &url).await?;
    of_sessions(&mut sites, &url).await?;
    Ok(sites.0)
}

#[derive(Default)]
struct Sites(Vec<Site>);

impl Sites {
    async fn add(&mut self, name: &'static str, service: Subject, requests: Vec<Bytes>) -> Result<()> {
        let address = serve(service).await?;
        // Those that do nothing stand before the others.
        let same = |other: &Site| other.name.starts_with("bare") && other.requests == requests;
        let bare = self.0.iter().position(same).unwrap_or_default();
        self.0.push(Site { name, address, requests, bare });
        Ok(())
    }
}

fn route() -> Router {
    Router::new().route("/whoami", get(async || "ok"))
}

fn requests(credentials: &[HeaderValue]) -> Vec<Bytes> {
    credentials.iter().map(|credential| load::get("/whoami", &[("authorization", credential)])).collect()
}

async fn of_known_answers(sites: &mut Sites, world: &World) -> Result<()> {
    let tenancy = || anyhow::Ok(subject(world.layer().build()?.layer(route())));
    let empty = judged(Empty("acme".into())).layer(route());
    let rs256 = Verified::rs256(&key_file("test-rsa-2048-public.pem")?)?;
    let eddsa = Verified::eddsa(&key_file("test-ed25519-public.pem")?)?;
    let by_moka = judged(Cached::new(&world.tokens)).layer(route());
    // Beside a thousand in turn, it shows what is lost where caches forget them from one request to the next.
    let one = &world.tokens[..1];
    for (name, service, credentials) in [
        ("bare", subject(route()), &world.tokens[..]),
        ("bare, JWT HS256", subject(route()), &world.hs256),
        ("bare, JWT RS256", subject(route()), &world.rs256),
        ("bare, JWT EdDSA", subject(route()), &world.eddsa),
        ("an empty layer that inserts an Arc", subject(empty), &world.tokens),
        ("Tenantry, known API token", tenancy()?, &world.tokens),
        ("Tenantry, one known API token", tenancy()?, one),
        ("Tenantry, known JWT HS256", tenancy()?, &world.hs256),
        ("Tenantry, known JWT RS256", tenancy()?, &world.rs256),
        ("Tenantry, known JWT EdDSA", tenancy()?, &world.eddsa),
        ("by hand: SHA-256, moka", subject(by_moka), &world.tokens),
        ("by hand: jsonwebtoken HS256", subject(judged(Verified::hs256()).layer(route())), &world.hs256),
        ("by hand: jsonwebtoken RS256", subject(judged(rs256).layer(route())), &world.rs256),
        ("by hand: jsonwebtoken EdDSA", subject(judged(eddsa).layer(route())), &world.eddsa),
    ] {
        sites.add(name, service, requests(credentials)).await?;
    }
    Ok(())
}

/// Nothing is remembered but that a JWT's signature is right; or it is asked, each time, whether it is still so.
async fn of_unknown_answers(sites: &mut Sites, world: &World) -> Result<()> {
    let named = world.hs256.iter().zip(&world.organizations).map(|(credential, organization)| {
        let organization = HeaderValue::try_from(organization)?;
        Ok(load::get("/whoami", &[("authorization", credential), ("x-organization-id", &organization)]))
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    let unknown = || anyhow::Ok(subject(world.layer().max_age(FORGOTTEN).build()?.layer(route())));
    let strict = || anyhow::Ok(subject(world.layer().strict().build()?.layer(route())));
    sites.add("Tenantry, unknown API token", unknown()?, requests(&world.tokens)).await?;
    sites.add("Tenantry, unknown JWT, organization named", unknown()?, named.clone()).await?;
    sites.add("Tenantry, unknown JWT, only organization", unknown()?, requests(&world.hs256)).await?;
    sites.add("Tenantry, strict, API token", strict()?, requests(&world.tokens)).await?;
    sites.add("Tenantry, strict, JWT, organization named", strict()?, named).await
}

async fn of_roles_in_redis(sites: &mut Sites, world: &World, url: &str) -> Result<()> {
    role_in_redis::prepare(url, &world.tokens).await?;
    let by = |proof, access| subject(asking(proof, access).layer(route()));
    let jwt = || Proof::Jwt(Verified::hs256());
    let shared = Access::shared(url).await?;
    for (name, service, credentials) in [
        ("JWT HS256, role from Redis: deadpool", by(jwt(), Access::pool(url)?), &world.hs256),
        ("JWT HS256, role from Redis: one connection", by(jwt(), shared.clone()), &world.hs256),
        ("API key, role from Redis: deadpool", by(Proof::Key, Access::pool(url)?), &world.tokens),
        ("API key, role from Redis: one connection", by(Proof::Key, shared), &world.tokens),
    ] {
        sites.add(name, service, requests(credentials)).await?;
    }
    Ok(())
}

async fn of_sessions(sites: &mut Sites, url: &str) -> Result<()> {
    let store = sessions::store(url).await?;
    let cached = sessions::cached(store.clone());
    for (name, router) in [
        ("tower-sessions, Redis", sessions::tower_sessions(store.clone())),
        ("tower-sessions, Redis behind moka", sessions::tower_sessions(cached.clone())),
        ("axum-login, Redis", sessions::axum_login(url, store).await?),
        ("axum-login, Redis behind moka", sessions::axum_login(url, cached).await?),
    ] {
        let service = subject(router);
        let address = serve(service).await?;
        let requests = logged_in(address).await.context(name)?;
        sites.0.push(Site { name, address, requests, bare: 0 });
    }
    Ok(())
}

/// Requests with a session each.
async fn logged_in(address: SocketAddr) -> Result<Vec<Bytes>> {
    let mut connection = Connection::open(address).await?;
    let (mut requests, mut cookies) = (Vec::new(), BTreeSet::new());
    for number in 0..CREDENTIALS {
        let answer = connection.answer(&load::get(&format!("/login/user{number}"), &[])).await?;
        ensure!(answer.status == 200, "a login is answered {}", answer.status);
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("a login sets a cookie")?;
        cookies.insert(cookie.to_owned());
        requests.push(load::get("/whoami", &[("cookie", &HeaderValue::try_from(cookie)?)]));
    }
    ensure!(cookies.len() == CREDENTIALS, "each login begins a session of its own");
    Ok(requests)
}
