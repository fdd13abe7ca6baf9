//! The same over HTTP: the admin router, and a service behind the layer, 32 connections on loopback.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use axum::{Json, Router, routing::get};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use tenantry_core::{
    engine::Engine,
    operations::{join_codes, tokens},
    registry::Registry,
};
use tenantry_testing::{actors, redis_server::RedisServer};
use tenantry_tower::{Authenticator, TenancyLayer, Tenant, require};

use super::stage::{Owned, Stage};
use crate::{
    figures::Figures,
    load::{self, CONNECTIONS},
    measure::subject,
    site::serve,
    table::Table,
    world::{bearer, patient, signed, verifier},
};

const ROUNDS: usize = 11;
/// Changes of each kind in a round, and of other requests.
const CHANGES: usize = 2048;
const OTHERS: usize = 8192;
/// Into how many organizations is invited, and how many are asked of.
const ORGANIZATIONS: usize = 64;
const MEMBERS: usize = 100;
/// Requests of each kind that one caller makes in a round.
const ALONE: usize = 200;

/// What is measured, and what better-auth 1.7 (`SQLite` and Redis) did of it, by the targets: on a machine of this kind,
/// but not in this run.
const KINDS: [(&str, f64); 7] = [
    ("create an organization", 322.0),
    ("invite", 291.0),
    ("accept an invitation", 229.0),
    ("list 100 members", 192.0),
    ("a route that needs a permission", 520.0),
    ("whoami, by JWT", 590.0),
    ("whoami, by API token", 2310.0),
];

#[derive(Default)]
struct Measured {
    per_second: Figures,
    /// Microseconds for one request of one caller.
    alone_us: Figures,
}

/// Measures, and publishes the table `changes-http`.
pub(super) fn run() -> Result<()> {
    let server = RedisServer::start(&[]);
    let serving = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let url = server.url();
    let bench = serving.block_on(async { serving.spawn(Bench::new(url)).await })??;
    let mut measured: [Measured; KINDS.len()] = Default::default();
    for round in 0..=ROUNDS {
        let mut ignored = Default::default();
        // The first round warms up.
        bench.round(if round == 0 { &mut ignored } else { &mut measured })?;
    }
    let title = format!(
        "Over HTTP on loopback, {CONNECTIONS} connections, on one Redis: {ROUNDS} rounds, in turns. The figures of \
         better-auth 1.7 are those of targets.md, measured on a machine of this kind, not in this run"
    );
    let columns = ["request", "req/s", "half of the rounds", "better-auth 1.7", "times better-auth", "one caller, µs"];
    let mut table = Table::new(&title, &columns);
    for ((name, better_auth), measured) in KINDS.iter().zip(&measured) {
        table.row([
            (*name).to_owned(),
            format!("{:.0}", measured.per_second.median()),
            measured.per_second.spread(0),
            format!("{better_auth:.0}"),
            format!("{:.0}", measured.per_second.median() / better_auth),
            format!("{:.0}", measured.alone_us.median()),
        ]);
    }
    table.publish("changes-http")
}

struct Bench {
    stage: Stage,
    address: SocketAddr,
    organizations: Vec<Owned>,
    /// The owners' JWTs.
    owners: Vec<HeaderValue>,
    tokens: Vec<HeaderValue>,
}

impl Bench {
    async fn new(url: String) -> Result<Self> {
        let registry = Registry::builder().permission("notes:write").build()?;
        let engine = Engine::new(Arc::new(patient(&url).await?), registry);
        let authenticator = Authenticator::new(Some(verifier()?));
        let layer = TenancyLayer::builder(engine.clone(), authenticator.clone()).build()?;
        let behind = Router::new()
            .route("/whoami", get(whoami))
            .route("/notes", get(async || "ok").route_layer(require("notes:write")));
        let app = Router::new()
            .nest("/tenantry", tenantry_admin::router(engine.clone(), authenticator))
            .fallback_service(layer.layer(behind));
        let address = serve(subject(app)).await?;
        let stage = Stage::new(engine);
        let organizations = stage.organizations(ORGANIZATIONS).await?;
        let owners = organizations.iter().map(|owned| signed(&owned.name)).collect::<Result<_>>()?;
        let mut tokens = Vec::new();
        for owned in &organizations {
            let here = json!({ "organizationId": owned.id });
            let code = stage.must::<join_codes::Create>(&owned.owner, here).await?.code;
            for _ in 1..MEMBERS {
                stage.must::<join_codes::Join>(&actors::user(&stage.name()), json!({ "code": code })).await?;
            }
            let input = json!({ "organizationId": owned.id, "permissions": ["org:view"] });
            tokens.push(bearer(&stage.must::<tokens::Create>(&owned.owner, input).await?.api_token.bearer)?);
        }
        Ok(Self { stage, address, organizations, owners, tokens })
    }

    fn round(&self, measured: &mut [Measured; KINDS.len()]) -> Result<()> {
        let [create, invite, accept, list, permission, by_jwt, by_token] = measured;
        let place = |number: usize| number % ORGANIZATIONS;
        let newcomers = |count: usize| -> Result<Vec<(String, HeaderValue)>> {
            (0..count).map(|_| self.stage.name()).map(|name| Ok((name.clone(), signed(&name)?))).collect()
        };

        let people = newcomers(CHANGES + ALONE)?;
        let requests = people.iter().map(|(_, jwt)| change("create", jwt, &json!({ "name": "Acme" })));
        self.measure(create, &requests.collect::<Vec<_>>())?;

        let people = newcomers(CHANGES + ALONE)?;
        let requests = people.iter().enumerate().map(|(number, (name, _))| {
            let input = json!({ "organizationId": self.organizations[place(number)].id, "username": name });
            change("invitations/create", &self.owners[place(number)], &input)
        });
        let invited = self.measure(invite, &requests.collect::<Vec<_>>())?;
        let requests = people.iter().zip(&invited).map(|((_, jwt), invited)| {
            let invited: Value = serde_json::from_slice(invited)?;
            Ok(change("invitations/accept", jwt, &json!({ "token": invited["token"] })))
        });
        self.measure(accept, &requests.collect::<Result<Vec<_>>>()?)?;

        let requests = (0..CHANGES + ALONE).map(|number| {
            let input = json!({ "organizationId": self.organizations[place(number)].id, "limit": MEMBERS });
            change("members/list", &self.owners[place(number)], &input)
        });
        self.measure(list, &requests.collect::<Vec<_>>())?;

        for (measured, path, credentials) in [
            (permission, "/notes", &self.owners),
            (by_jwt, "/whoami", &self.owners),
            (by_token, "/whoami", &self.tokens),
        ] {
            let requests = credentials.iter().map(|credential| load::get(path, &[("authorization", credential)]));
            let requests = requests.collect::<Vec<_>>().into_iter().cycle().take(OTHERS + ALONE);
            self.measure(measured, &requests.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Sends each request once, the last of them by one caller alone; answers the bodies, in their order.
    fn measure(&self, measured: &mut Measured, requests: &[Bytes]) -> Result<Vec<Vec<u8>>> {
        let (together, alone) = requests.split_at(requests.len() - ALONE);
        let (taken, mut bodies) = load::each_once(self.address, together, CONNECTIONS)?;
        measured.per_second.push(together.len() as f64 / taken.as_secs_f64());
        let (taken, alone) = load::each_once(self.address, alone, 1).context("one caller")?;
        measured.alone_us.push(taken.as_secs_f64() * 1e6 / ALONE as f64);
        bodies.extend(alone);
        Ok(bodies)
    }
}

fn change(operation: &str, credential: &HeaderValue, input: &Value) -> Bytes {
    load::post(&format!("/tenantry/v1/organizations/{operation}"), credential, &input.to_string())
}

/// As a host would tell a user where they are.
async fn whoami(tenant: Tenant) -> Json<Value> {
    Json(json!({
        "organization": tenant.organization_id(),
        "principal": tenant.principal(),
        "role": tenant.role(),
    }))
}
