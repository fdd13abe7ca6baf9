//! The users that the service had before: by axum-login, with the session in a cookie.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::Form,
    response::{IntoResponse, Redirect, Response},
};
use axum_login::{AuthUser, AuthnBackend, UserId};
use serde::Deserialize;
use tenantry::{
    Head,
    core::{
        access::caller::Identity,
        values::{error::Error, ids},
    },
    identity::Identified,
};

/// A user of the service.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// What Tenantry is told of them.
    identity: Arc<Identity>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.identity.id.to_string()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.identity.id.as_str().as_bytes()
    }
}

/// What a user fills in. Whoever gives a name is believed: this is an example.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Credentials {
    name: String,
}

/// The table of users.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Users;

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, Credentials { name }: Credentials) -> Result<Option<User>, Infallible> {
        self.get_user(&name).await
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        let id = ids::UserId::new(id.as_str()).ok();
        Ok(id.map(|id| User { identity: Arc::new(Identity::new(id)) }))
    }
}

pub(crate) type AuthSession = axum_login::AuthSession<Users>;

/// Tells Tenantry who is calling: whoever axum-login says that it is.
#[expect(clippy::unnecessary_wraps, reason = "an IdentitySource may refuse")]
pub(crate) fn signed_in(head: Head<'_>) -> Result<Identified, Error> {
    let user = head.extensions().get::<AuthSession>().and_then(|session| session.user.as_ref());
    Ok(user.map_or_else(Identified::nobody, |user| Identified::user(user.identity.clone())))
}

pub(crate) async fn log_in(mut session: AuthSession, Form(credentials): Form<Credentials>) -> Response {
    match session.authenticate(credentials).await {
        Ok(Some(user)) if session.login(&user).await.is_ok() => Redirect::to("/").into_response(),
        _ => Redirect::to("/login").into_response(),
    }
}

pub(crate) async fn log_out(mut session: AuthSession) -> Redirect {
    // A session that cannot be ended in its store has ended in the browser.
    let _ = session.logout().await;
    Redirect::to("/login")
}
