//! An OpenID provider: it publishes keys over HTTP, signs with one of them, and fails when it is told to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::EllipticCurve};
use serde_json::{Value, json};
use tenantry_core::entropy::{Entropy, SystemEntropy};
use tenantry_tower::jwt::Issuer;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{AUDIENCE, DEFAULT_PROVIDER, Signing, TestClock, claims, sign_with_header};

static TOKENS: AtomicUsize = AtomicUsize::new(0);

/// A key of an issuer, its private half too.
#[derive(Clone)]
pub(super) struct IssuerKey {
    signing: Arc<Signing>,
    kid: Option<String>,
    /// As it is published.
    pub(super) jwk: Value,
}

impl IssuerKey {
    /// A key that was never there before.
    pub(super) fn new(kid: &str) -> Self {
        // PKCS #8 of an Ed25519 key (RFC 8410), up to its 32 random bytes.
        let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
        let mut random = [0; 32];
        SystemEntropy.fill(&mut random).unwrap();
        der.extend(random);
        let signing = Signing { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) };
        Self::of(signing, Some(kid))
    }

    /// One of the keys in `tests/keys`.
    pub(super) fn pem(algorithm: Algorithm, kid: Option<&str>) -> Self {
        let file = match algorithm {
            Algorithm::ES256 => "test-p256-private.pem",
            Algorithm::ES384 => "test-p384-private.pem",
            Algorithm::EdDSA => "test-ed25519-private.pem",
            _ => "test-rsa-2048-private.pem",
        };
        Self::of(Signing::pem(algorithm, file), kid)
    }

    fn of(signing: Signing, kid: Option<&str>) -> Self {
        let (utils, private) = (&DEFAULT_PROVIDER.key_utils, signing.key.as_bytes());
        let text = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match signing.algorithm {
            Algorithm::EdDSA => {
                let x = (utils.ed_pub_components_from_private_key)(private, &EllipticCurve::Ed25519).unwrap();
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(x) })
            }
            Algorithm::ES256 | Algorithm::ES384 => {
                let (curve, x, y) = (utils.ec_pub_components_from_private_key)(private, signing.algorithm).unwrap();
                json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y) })
            }
            _ => {
                let (n, e) = (utils.rsa_pub_components_from_private_key)(private).unwrap();
                json!({ "kty": "RSA", "n": text(n), "e": text(e) })
            }
        };
        jwk["alg"] = format!("{:?}", signing.algorithm).into();
        jwk["use"] = "sig".into();
        if let Some(kid) = kid {
            jwk["kid"] = kid.into();
        }
        Self { signing: Arc::new(signing), kid: kid.map(str::to_owned), jwk }
    }

    /// The same key, published with `member` as `value`; with `null`, without.
    pub(super) fn with(mut self, member: &str, value: Value) -> Self {
        if value.is_null() {
            self.jwk.as_object_mut().unwrap().remove(member);
        } else {
            self.jwk[member] = value;
        }
        self
    }

    /// A JWT of `issuer` for `user`.
    pub(super) fn sign(&self, issuer: &str, user: &str, clock: &TestClock) -> String {
        self.sign_with(&json!({}), issuer, user, clock)
    }

    /// The same, with more in its header.
    pub(super) fn sign_with(&self, more: &Value, issuer: &str, user: &str, clock: &TestClock) -> String {
        let mut header = json!({ "alg": format!("{:?}", self.signing.algorithm), "kid": self.kid });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut claims = claims(user, clock);
        (claims["iss"], claims["aud"]) = (issuer.into(), AUDIENCE.into());
        // No two are the same.
        claims["jti"] = TOKENS.fetch_add(1, Ordering::SeqCst).into();
        sign_with_header(&header, &claims, &self.signing)
    }
}

/// How it answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answering {
    Well,
    Status(u16),
    /// Never at all.
    Never,
    /// This, instead of the keys.
    With(String),
    /// With the keys, after a redirect.
    ByRedirect,
}

pub(super) struct TestIssuer {
    address: SocketAddr,
    state: Arc<State>,
    server: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    keys: Mutex<Vec<Value>>,
    signing: Mutex<IssuerKey>,
    answering: Mutex<Answering>,
    cache_control: Mutex<Option<&'static str>>,
    configuration: Mutex<Value>,
    fetches: AtomicUsize,
}

impl TestIssuer {
    /// Publishes `key` and signs with it.
    pub(super) async fn start(key: &IssuerKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let state = State {
            keys: Mutex::new(vec![key.jwk.clone()]),
            signing: Mutex::new(key.clone()),
            answering: Mutex::new(Answering::Well),
            cache_control: Mutex::default(),
            configuration: Mutex::new(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })),
            fetches: AtomicUsize::new(0),
        };
        let issuer = Self { address, state: Arc::new(state), server: Mutex::default() };
        issuer.serve(listener);
        issuer
    }

    fn serve(&self, listener: TcpListener) {
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/elsewhere", get(async |Shared(state): Shared<Arc<State>>| state.set()))
            .with_state(self.state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        *self.server.lock().unwrap() = Some(server);
    }

    /// Nobody listens any more.
    pub(super) async fn stop(&self) {
        let server = self.server.lock().unwrap().take().unwrap();
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    /// Listens again, on the same port.
    pub(super) async fn restart(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    /// What its tokens say, and its URL.
    pub(super) fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn discovered(&self) -> Issuer {
        Issuer::discover(self.name())
    }

    pub(super) fn jwks(&self) -> Issuer {
        Issuer::jwks(self.name(), &format!("{}/keys", self.name()))
    }

    pub(super) fn publish<'a>(&self, keys: impl IntoIterator<Item = &'a IssuerKey>) {
        self.publish_raw(keys.into_iter().map(|key| key.jwk.clone()).collect());
    }

    pub(super) fn publish_raw(&self, keys: Vec<Value>) {
        *self.state.keys.lock().unwrap() = keys;
    }

    pub(super) fn sign_by(&self, key: &IssuerKey) {
        *self.state.signing.lock().unwrap() = key.clone();
    }

    /// A token of `user`, signed by the key that is in use now.
    pub(super) fn token(&self, user: &str, clock: &TestClock) -> String {
        self.state.signing.lock().unwrap().sign(&self.name(), user, clock)
    }

    pub(super) fn answer(&self, answering: Answering) {
        *self.state.answering.lock().unwrap() = answering;
    }

    pub(super) fn cache_control(&self, value: Option<&'static str>) {
        *self.state.cache_control.lock().unwrap() = value;
    }

    /// Changes a member of the OpenID configuration.
    pub(super) fn configure(&self, member: &str, value: impl Into<Value>) {
        self.state.configuration.lock().unwrap()[member] = value.into();
    }

    /// How often the keys were asked for.
    pub(super) fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }
}

impl State {
    fn set(&self) -> Response {
        let body = json!({ "keys": *self.keys.lock().unwrap() }).to_string();
        let cache_control = *self.cache_control.lock().unwrap();
        match cache_control {
            Some(value) => ([(header::CACHE_CONTROL, value)], body).into_response(),
            None => body.into_response(),
        }
    }
}

async fn configuration(Shared(state): Shared<Arc<State>>) -> Response {
    state.configuration.lock().unwrap().to_string().into_response()
}

async fn keys(Shared(state): Shared<Arc<State>>) -> Response {
    state.fetches.fetch_add(1, Ordering::SeqCst);
    let answering = state.answering.lock().unwrap().clone();
    match answering {
        Answering::Well => state.set(),
        Answering::Status(status) => (StatusCode::from_u16(status).unwrap(), state.set()).into_response(),
        Answering::Never => std::future::pending().await,
        Answering::With(body) => body.into_response(),
        Answering::ByRedirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
    }
}
