//! What a host would write by hand, as tower services, each in the best way that is as simple.

pub(crate) mod role_in_redis;
pub(crate) mod sessions;

use std::{
    collections::HashSet,
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::future::Either;
use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tower_layer::{Layer, layer_fn};
use tower_service::Service;

use crate::world::{AUDIENCE, ISSUER, SECRET};

/// What a peer puts into the extensions.
#[derive(Debug, Clone)]
pub(crate) struct Known(#[expect(dead_code, reason = "it is there to be carried")] pub(crate) Arc<str>);

/// Tells from a credential who is calling, without waiting.
pub(crate) trait Judge: Clone + Send + Sync + 'static {
    fn judge(&self, credential: &HeaderValue) -> Option<Known>;
}

/// A service behind a judge.
#[derive(Clone)]
pub(crate) struct Judged<J, S> {
    judge: J,
    inner: S,
}

/// The layer of a judge.
pub(crate) fn judged<S, J: Judge>(judge: J) -> impl Layer<S, Service = Judged<J, S>> + Clone {
    layer_fn(move |inner| Judged { judge: judge.clone(), inner })
}

impl<J, S> Service<Request<Body>> for Judged<J, S>
where
    J: Judge,
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match request.headers().get(AUTHORIZATION).and_then(|credential| self.judge.judge(credential)) {
            Some(known) => {
                request.extensions_mut().insert(known);
                Either::Left(self.inner.call(request))
            }
            None => Either::Right(ready(Ok(StatusCode::UNAUTHORIZED.into_response()))),
        }
    }
}

/// Believes everybody: the least that any layer costs.
#[derive(Clone)]
pub(crate) struct Empty(pub(crate) Arc<str>);

impl Judge for Empty {
    fn judge(&self, _: &HeaderValue) -> Option<Known> {
        Some(Known(self.0.clone()))
    }
}

/// The SHA-256 of the credential, looked up in moka.
#[derive(Clone)]
pub(crate) struct Cached(Cache<[u8; 32], Arc<str>>);

impl Cached {
    pub(crate) fn new(credentials: &[HeaderValue]) -> Self {
        let cache = Cache::new(10_000);
        for credential in credentials {
            cache.insert(Sha256::digest(credential.as_bytes()).into(), "acme".into());
        }
        Self(cache)
    }
}

impl Judge for Cached {
    fn judge(&self, credential: &HeaderValue) -> Option<Known> {
        self.0.get(&<[u8; 32]>::from(Sha256::digest(credential.as_bytes()))).map(Known)
    }
}

/// The same as axum's own kind of middleware.
pub(crate) async fn cached(State(cached): State<Cached>, mut request: Request<Body>, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION).and_then(|credential| cached.judge(credential)) {
        Some(known) => {
            request.extensions_mut().insert(known);
            next.run(request).await
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Verifies the JWT of each request.
#[derive(Clone)]
pub(crate) struct Verified {
    key: Arc<DecodingKey>,
    validation: Arc<Validation>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Verified {
    pub(crate) fn hs256() -> Self {
        Self::new(DecodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256)
    }

    pub(crate) fn rs256(public: &[u8]) -> anyhow::Result<Self> {
        Ok(Self::new(DecodingKey::from_rsa_pem(public)?, Algorithm::RS256))
    }

    pub(crate) fn eddsa(public: &[u8]) -> anyhow::Result<Self> {
        Ok(Self::new(DecodingKey::from_ed_pem(public)?, Algorithm::EdDSA))
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.required_spec_claims = HashSet::from(["exp", "iss", "aud", "sub"].map(str::to_owned));
        Self { key: Arc::new(key), validation: Arc::new(validation) }
    }
}

impl Verified {
    /// The user whom the JWT names.
    fn user(&self, credential: &HeaderValue) -> Option<String> {
        let jwt = credential.to_str().ok()?.strip_prefix("Bearer ")?;
        Some(jsonwebtoken::decode::<Claims>(jwt, &self.key, &self.validation).ok()?.claims.sub)
    }
}

impl Judge for Verified {
    fn judge(&self, credential: &HeaderValue) -> Option<Known> {
        self.user(credential).map(|user| Known(user.into()))
    }
}
