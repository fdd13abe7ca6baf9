//! Who asks: organizations, their API tokens, and users with JWTs.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::{organizations, tokens},
    store::Store,
};
use tenantry_redis::{Options, RedisStore};
use tenantry_testing::actors;
use tenantry_tower::{
    Authenticator, TenantryLayer, TenantryLayerBuilder,
    jwt::{self, ClaimNames, Issuer, JwtVerifier, Key},
};

pub(crate) const ISSUER: &str = "https://id.example.com/";
pub(crate) const AUDIENCE: &str = "https://api.example.com/";
pub(crate) const SECRET: &str = "a secret of this benchmark, long enough for HS256";

/// The longest that the layer remembers an answer: what is to be known stays so while it is measured.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(3600);

/// An engine, and credentials that it knows.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) authenticator: Authenticator,
    /// `Bearer <key>:<secret>`.
    pub(crate) tokens: Arc<[HeaderValue]>,
    /// `Bearer <jwt>` of users of whom each has one organization, signed with HS256.
    pub(crate) hs256: Arc<[HeaderValue]>,
    /// The id of the organization of each of them.
    pub(crate) organizations: Vec<String>,
    /// The same users, RS256.
    pub(crate) rs256: Arc<[HeaderValue]>,
    /// The same users, `EdDSA`.
    pub(crate) eddsa: Arc<[HeaderValue]>,
}

impl World {
    /// So many users, each with an organization that has an API token.
    pub(crate) async fn new(store: Arc<dyn Store>, count: usize) -> Result<Self> {
        let engine = Engine::new(store, Registry::builder().build()?);
        let hs256_key = EncodingKey::from_secret(SECRET.as_bytes());
        let rs256_key = EncodingKey::from_rsa_pem(&key_file("test-rsa-2048-private.pem")?)?;
        let eddsa_key = EncodingKey::from_ed_pem(&key_file("test-ed25519-private.pem")?)?;
        let mut organizations = Vec::new();
        let (mut tokens, mut hs256, mut rs256, mut eddsa) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let name = format!("user{number}");
            let user = actors::user(&name);
            let created = must::<organizations::Create>(&engine, &user, json!({ "name": name })).await?;
            let input = json!({ "organizationId": created.organization.id, "permissions": ["org:view"] });
            let made = must::<tokens::Create>(&engine, &user, input).await?.api_token;
            organizations.push(created.organization.id.to_string());
            tokens.push(bearer(&made.bearer)?);
            hs256.push(bearer(&sign(&name, Algorithm::HS256, &hs256_key)?)?);
            rs256.push(bearer(&sign(&name, Algorithm::RS256, &rs256_key)?)?);
            eddsa.push(bearer(&sign(&name, Algorithm::EdDSA, &eddsa_key)?)?);
        }
        Ok(Self {
            engine,
            authenticator: Authenticator::new().jwt(verifier()?),
            tokens: tokens.into(),
            hs256: hs256.into(),
            rs256: rs256.into(),
            eddsa: eddsa.into(),
            organizations,
        })
    }

    /// A layer that remembers for as long as a layer can.
    pub(crate) fn layer(&self) -> TenantryLayerBuilder {
        TenantryLayer::builder(self.engine.clone(), self.authenticator.clone()).max_age(MAX_AGE)
    }
}

/// The store of a Redis that is to be kept as busy as it can be: a call may wait longer than in service.
pub(crate) async fn patient(url: &str) -> Result<RedisStore> {
    let (response, overall) = (Duration::from_secs(30), Duration::from_secs(60));
    let options = Options::new().response_timeout(response).overall_timeout(overall);
    Ok(RedisStore::connect(url, options).await?)
}

/// Verifies the JWTs of this benchmark's issuer, and believes only what they say by themselves.
pub(crate) fn verifier() -> Result<JwtVerifier> {
    verifier_by(ClaimNames::new())
}

/// Verifies them, and takes from them the claims that are named.
pub(crate) fn verifier_by(claims: ClaimNames) -> Result<JwtVerifier> {
    let keys = [
        Key::new(jwt::Algorithm::Hs256, SECRET),
        Key::new(jwt::Algorithm::Rs256, key_file("test-rsa-2048-public.pem")?),
        Key::new(jwt::Algorithm::EdDsa, key_file("test-ed25519-public.pem")?),
    ];
    Ok(JwtVerifier::builder().issuer(Issuer::new(ISSUER, keys).audience(AUDIENCE).claims(claims)).build()?)
}

/// The keys of the layer's own tests.
pub(crate) fn key_file(name: &str) -> Result<Vec<u8>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tenantry-tower/tests/keys")).join(name);
    fs::read(&path).with_context(|| path.display().to_string())
}

/// Carries out an operation that must succeed.
pub(crate) async fn must<O: Operation>(engine: &Engine, caller: &Caller, input: Value) -> Result<O::Output> {
    let operation: O = serde_json::from_value(input)?;
    engine.run(&Request::new(caller.clone()), &operation).await.context(O::ROUTE)
}

/// `Bearer <jwt>` of a user who is called that way, signed with HS256.
pub(crate) fn signed(user: &str) -> Result<HeaderValue> {
    bearer(&sign(user, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))?)
}

/// A header of what is presented.
pub(crate) fn bearer(credential: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {credential}"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn sign(user: &str, algorithm: Algorithm, key: &EncodingKey) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the issuer that is played here is no part of the product")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": now + 24 * 3600 });
    Ok(jsonwebtoken::encode(&Header::new(algorithm), &claims, key)?)
}
