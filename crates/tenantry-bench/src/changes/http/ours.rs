//! Tenantry: the admin router, and a service behind the layer.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use axum::{Json, Router, routing::get};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use tenantry_core::{
    access::registry::Registry,
    engine::Engine,
    operations::{join_codes, tokens},
};
use tenantry_testing::{actors, redis_server::RedisServer};
use tenantry_tower::{Authenticator, Tenant, TenantryLayer, jwt::ClaimNames, require};

use super::{All, Counts, MEMBERS, Measured, ORGANIZATIONS, is_page, json_of, measure};
use crate::{
    changes::stage::{Owned, Stage},
    load::{self, Answer},
    measure::subject,
    site::serve,
    world::{bearer, patient, signed, verifier_by},
};

const COUNTS: Counts = Counts { changes: 2048, others: 8192, alone: 200 };

/// A service on loopback, and who asks it.
pub(super) struct Ours {
    stage: Stage,
    address: SocketAddr,
    organizations: Vec<Owned>,
    /// The owners' JWTs.
    owners: Vec<HeaderValue>,
    tokens: Vec<HeaderValue>,
    _redis: RedisServer,
}

impl Ours {
    pub(super) async fn new() -> Result<Self> {
        let redis = RedisServer::start(&[]);
        let registry = Registry::builder().permission("notes:write").build()?;
        let engine = Engine::new(Arc::new(patient(&redis.url()).await?), registry);
        // Who is invited by username must bear it.
        let authenticator = Authenticator::new().jwt(verifier_by(ClaimNames::new().username("sub"))?);
        let layer = TenantryLayer::builder(engine.clone(), authenticator.clone()).build()?;
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
        Ok(Self { stage, address, organizations, owners, tokens, _redis: redis })
    }

    /// Each kind of request.
    pub(super) fn round(&self, measured: &mut All) -> Result<()> {
        let [create, invite, accept, list, permission, by_jwt, by_token] = measured;
        let Counts { changes, others, alone } = COUNTS;
        let place = |number: usize| number % ORGANIZATIONS;
        let id = |number: usize| self.organizations[place(number)].id.to_string();
        let newcomers = || -> Result<Vec<(String, HeaderValue)>> {
            (0..changes + alone).map(|_| self.stage.name()).map(|name| Ok((name.clone(), signed(&name)?))).collect()
        };

        let people = newcomers()?;
        let requests = people.iter().map(|(_, jwt)| change("create", jwt, &json!({ "name": "Acme" })));
        self.measure(create, &requests.collect::<Vec<_>>(), |_, body| json_of(body)["organization"]["id"].is_string())?;

        let people = newcomers()?;
        let requests = people.iter().enumerate().map(|(number, (name, _))| {
            let input = json!({ "organizationId": id(number), "username": name });
            change("invitations/create", &self.owners[place(number)], &input)
        });
        let requests = requests.collect::<Vec<_>>();
        let invited = self.measure(invite, &requests, |_, body| json_of(body)["token"].is_string())?;
        let requests = people.iter().zip(&invited).map(|((_, jwt), invited)| {
            change("invitations/accept", jwt, &json!({ "token": json_of(&invited.body)["token"] }))
        });
        let requests = requests.collect::<Vec<_>>();
        self.measure(accept, &requests, |number, body| json_of(body)["organizationId"] == id(number))?;

        let requests = (0..changes + alone).map(|number| {
            let input = json!({ "organizationId": id(number), "limit": MEMBERS });
            change("members/list", &self.owners[place(number)], &input)
        });
        self.measure(list, &requests.collect::<Vec<_>>(), |_, body| is_page(body))?;

        let many = |path: &str, credentials: &[HeaderValue]| -> Vec<Bytes> {
            let requests = credentials.iter().map(|credential| load::get(path, &[("authorization", credential)]));
            requests.collect::<Vec<_>>().into_iter().cycle().take(others + alone).collect()
        };
        self.measure(permission, &many("/notes", &self.owners), |_, body| body == b"ok")?;
        self.measure(by_jwt, &many("/whoami", &self.owners), |number, body| {
            let answer = json_of(body);
            answer["organization"] == id(number) && answer["role"] == "owner"
        })?;
        self.measure(by_token, &many("/whoami", &self.tokens), |number, body| {
            json_of(body)["organization"] == id(number)
        })?;
        Ok(())
    }

    fn measure(
        &self,
        measured: &mut Measured,
        requests: &[Bytes],
        is_right: impl Fn(usize, &[u8]) -> bool,
    ) -> Result<Vec<Answer>> {
        measure(self.address, measured, (requests, COUNTS.alone), is_right)
    }
}

fn change(operation: &str, credential: &HeaderValue, input: &Value) -> Bytes {
    let path = format!("/tenantry/v1/organizations/{operation}");
    load::post(&path, &[("authorization", credential)], &input.to_string())
}

/// As a host would tell a user where they are.
async fn whoami(tenant: Tenant) -> Json<Value> {
    Json(json!({
        "organization": tenant.organization_id(),
        "principal": tenant.principal(),
        "role": tenant.role(),
    }))
}
