//! What a host would write by hand that keeps roles, and API keys, in Redis and asks for them at each request: no
//! cache, so always fresh.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use anyhow::Result;
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use deadpool_redis::{Pool, Runtime};
use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use redis::{AsyncCommands as _, Client, aio::MultiplexedConnection};
use sha2::{Digest as _, Sha256};
use tower_layer::{Layer, layer_fn};
use tower_service::Service;

use super::{Known, Verified};

/// How Redis is reached.
#[derive(Clone)]
pub(crate) enum Access {
    /// A connection of deadpool's for each request.
    Pool(Pool),
    /// One connection for all requests.
    Shared(MultiplexedConnection),
}

impl Access {
    /// As deadpool-redis's documentation says.
    pub(crate) fn pool(url: &str) -> Result<Self> {
        Ok(Self::Pool(deadpool_redis::Config::from_url(url).create_pool(Some(Runtime::Tokio1))?))
    }

    /// As redis-rs's documentation says.
    pub(crate) async fn shared(url: &str) -> Result<Self> {
        Ok(Self::Shared(Client::open(url)?.get_multiplexed_async_connection().await?))
    }

    async fn role(&self, of: &Asker) -> Option<String> {
        match self {
            Self::Pool(pool) => role(&mut *pool.get().await.ok()?, of).await,
            Self::Shared(connection) => role(&mut connection.clone(), of).await,
        }
    }
}

/// Who asks, as far as that is known without Redis.
enum Asker {
    User(String),
    Key(Vec<u8>),
}

async fn role(connection: &mut MultiplexedConnection, of: &Asker) -> Option<String> {
    let user = match of {
        Asker::User(user) => user.clone(),
        Asker::Key(hash) => connection.get::<_, Option<String>>(hash).await.ok()??,
    };
    connection.get::<_, Option<String>>(format!("role:{user}")).await.ok()?
}

/// Makes the roles of users `user0`, `user1`…, and their API keys, known to Redis.
pub(crate) async fn prepare(url: &str, keys: &[HeaderValue]) -> Result<()> {
    let Access::Shared(mut connection) = Access::shared(url).await? else { return Ok(()) };
    for (number, key) in keys.iter().enumerate() {
        let user = format!("user{number}");
        let _: () = connection.set(format!("role:{user}"), "admin").await?;
        let _: () = connection.set(hashed(key), user).await?;
    }
    Ok(())
}

/// Where an API key is kept: under its SHA-256.
fn hashed(key: &HeaderValue) -> Vec<u8> {
    [b"key:".as_slice(), &Sha256::digest(key.as_bytes())].concat()
}

/// What tells who asks.
#[derive(Clone)]
pub(crate) enum Proof {
    /// A JWT, verified at each request.
    Jwt(Verified),
    /// An API key, looked up by its SHA-256.
    Key,
}

impl Proof {
    fn asker(&self, credential: &HeaderValue) -> Option<Asker> {
        match self {
            Self::Jwt(verified) => verified.user(credential).map(Asker::User),
            Self::Key => Some(Asker::Key(hashed(credential))),
        }
    }
}

/// A service that asks Redis before it serves.
#[derive(Clone)]
pub(crate) struct Asking<S> {
    proof: Proof,
    access: Access,
    inner: S,
}

/// The layer that asks Redis for the role at each request.
pub(crate) fn asking<S>(proof: Proof, access: Access) -> impl Layer<S, Service = Asking<S>> + Clone {
    layer_fn(move |inner| Asking { proof: proof.clone(), access: access.clone(), inner })
}

impl<S> Service<Request<Body>> for Asking<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let asker = request.headers().get(AUTHORIZATION).and_then(|credential| self.proof.asker(credential));
        let access = self.access.clone();
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let role = match asker {
                Some(asker) => access.role(&asker).await,
                None => None,
            };
            match role {
                Some(role) => {
                    request.extensions_mut().insert(Known(role.into()));
                    inner.call(request).await
                }
                None => Ok(StatusCode::UNAUTHORIZED.into_response()),
            }
        })
    }
}
