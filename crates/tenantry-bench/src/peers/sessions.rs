//! tower-sessions and axum-login on Redis, as their documentation says, with and without the cache that
//! tower-sessions recommends. `GET /login/{user}` begins a session; `GET /whoami` needs one.

use anyhow::Result;
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend};
use redis::{AsyncCommands as _, Client, RedisError, aio::MultiplexedConnection};
use tower_sessions::{CachingSessionStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_moka_store::MokaStore;
use tower_sessions_redis_store::{
    RedisStore,
    fred::prelude::{ClientLike as _, Config, Pool},
};

/// How many connections the documentation of the store has in its pool.
const CONNECTIONS: usize = 6;
/// How many sessions the cache holds: more than there are.
const CACHED_MAX: u64 = 10_000;
/// What a session says.
const ROLE: &str = "role";

/// The store of sessions over the Redis at `url`.
pub(crate) async fn store(url: &str) -> Result<RedisStore<Pool>> {
    let pool = Pool::new(Config::from_url(url)?, None, None, None, CONNECTIONS)?;
    pool.init().await?;
    Ok(RedisStore::new(pool))
}

/// The same behind moka.
pub(crate) fn cached(store: RedisStore<Pool>) -> CachingSessionStore<MokaStore, RedisStore<Pool>> {
    CachingSessionStore::new(MokaStore::new(Some(CACHED_MAX)), store)
}

/// A service behind tower-sessions; the role is in the session.
pub(crate) fn tower_sessions(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/whoami", get(role_in_session))
        .route("/login/{user}", get(begin))
        .layer(SessionManagerLayer::new(store).with_secure(false))
}

async fn role_in_session(session: Session) -> Result<&'static str, StatusCode> {
    let role = session.get::<String>(ROLE).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    role.map(|_| "ok").ok_or(StatusCode::UNAUTHORIZED)
}

async fn begin(session: Session) -> Result<(), StatusCode> {
    session.insert(ROLE, "admin").await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// A service behind axum-login; the role is the user's, whom Redis knows.
pub(crate) async fn axum_login(url: &str, store: impl SessionStore + Clone) -> Result<Router> {
    let users = Users(Client::open(url)?.get_multiplexed_async_connection().await?);
    let layer = AuthManagerLayerBuilder::new(users, SessionManagerLayer::new(store).with_secure(false)).build();
    Ok(Router::new().route("/whoami", get(role_of_user)).route("/login/{user}", get(log_in)).layer(layer))
}

async fn role_of_user(session: AuthSession<Users>) -> Result<&'static str, StatusCode> {
    session.user.map(|_| "ok").ok_or(StatusCode::UNAUTHORIZED)
}

async fn log_in(mut session: AuthSession<Users>, Path(user): Path<String>) -> Result<(), StatusCode> {
    let user = session.authenticate(user).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
    session.login(&user).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// The users whom `role_in_redis::prepare` made known.
#[derive(Clone)]
pub(crate) struct Users(MultiplexedConnection);

/// A user, with their role; it is what makes their sessions end when it changes.
#[derive(Debug, Clone)]
pub(crate) struct User {
    id: String,
    role: String,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.role.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = String;
    type Error = RedisError;

    async fn authenticate(&self, user: String) -> Result<Option<User>, RedisError> {
        self.get_user(&user).await
    }

    async fn get_user(&self, id: &String) -> Result<Option<User>, RedisError> {
        let role: Option<String> = self.0.clone().get(format!("role:{id}")).await?;
        Ok(role.map(|role| User { id: id.clone(), role }))
    }
}
