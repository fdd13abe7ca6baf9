//! Users of an identity provider: its keys are fetched, and nothing of them is configured.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tenantry::{
    Tenant, Tenantry,
    core::values::{
        clock::{Clock, SystemClock},
        entropy::{Entropy, SystemEntropy},
    },
    jwt::{Issuer, Jwks, JwtVerifier},
};
use tokio::net::TcpListener;

use crate::world::embedded;

/// An identity provider that has a key for each of its last two rotations.
struct Provider {
    url: String,
    keys: Vec<EncodingKey>,
    rotations: AtomicUsize,
}

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = (0..3).map(|_| key()).collect();
        let provider = Arc::new(Self { url, keys, rotations: AtomicUsize::new(0) });
        let routes = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async |State(provider): State<Arc<Self>>| {
                    Json(json!({ "issuer": provider.url, "jwks_uri": format!("{}/keys", provider.url) }))
                }),
            )
            .route("/keys", get(async |State(provider): State<Arc<Self>>| Json(provider.published())))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    fn current(&self) -> usize {
        self.rotations.load(Ordering::SeqCst)
    }

    fn published(&self) -> Value {
        let numbers = self.current().saturating_sub(1)..=self.current();
        let keys = numbers.map(|number| {
            let mut jwk = Jwk::from_encoding_key(&self.keys[number], Algorithm::EdDSA).unwrap();
            jwk.common.key_id = Some(number.to_string());
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    fn bearer(&self, user: &str, key: usize) -> String {
        let header = Header { kid: Some(key.to_string()), ..Header::new(Algorithm::EdDSA) };
        let expiry = SystemClock.now().as_seconds() + 3600;
        let claims = json!({ "iss": self.url, "aud": "notes", "sub": user, "exp": expiry });
        format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &self.keys[key]).unwrap())
    }
}

/// A key of its own each time: PKCS #8 of an Ed25519 key (RFC 8410).
fn key() -> EncodingKey {
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random).unwrap();
    der.extend(random);
    EncodingKey::from_ed_der(&der)
}

#[tokio::test]
async fn users_of_an_identity_provider_are_let_in_also_when_its_keys_rotate() {
    let provider = Provider::start().await;
    let issuer = Issuer::new(&provider.url, Jwks::discover()).audience("notes");
    let verifier = JwtVerifier::builder().issuer(issuer);
    let tenantry = Tenantry::builder().store(embedded()).jwt(verifier).build().unwrap();
    let app = Router::new()
        .route("/name", post(async |tenant: Tenant| tenant.organization_name().to_owned()))
        .layer(tenantry.layer())
        .nest("/tenantry", tenantry.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::new();
    let send = async |path: &str, bearer: String, body: Value| {
        let request = client.post(format!("{base}{path}")).header("Authorization", bearer);
        request.json(&body).send().await.unwrap()
    };
    let ask = async |path: &str, bearer: String| send(path, bearer, json!({})).await;
    // The keys may still be under way: whoever comes waits for them.
    let create = "/tenantry/v1/organizations/create";
    let created = send(create, provider.bearer("ann", 0), json!({ "name": "Acme" })).await;
    assert_eq!(created.status(), 200);
    assert_eq!(ask("/name", provider.bearer("ann", 0)).await.text().await.unwrap(), "Acme");
    // A key that nobody has seen before, on the router and on the layer.
    provider.rotations.store(1, Ordering::SeqCst);
    assert_eq!(ask("/tenantry/v1/organizations/list", provider.bearer("ann", 1)).await.status(), 200);
    assert_eq!(ask("/name", provider.bearer("ann", 1)).await.status(), 200);
    assert_eq!(ask("/name", provider.bearer("ann", 0)).await.status(), 200);
    // Too early to ask for another: not refused, but asked to come again.
    let early = ask("/name", provider.bearer("ann", 2)).await;
    assert_eq!(early.status(), 429);
    assert!(early.headers().contains_key("retry-after"));
}
