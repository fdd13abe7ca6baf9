//! Notes of organizations, as pages that the server renders. Users sign in by axum-login, as they did before there were
//! organizations; Tenantry asks it who is calling.

mod pages;
mod users;

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    routing::{get, post},
};
use axum_login::AuthManagerLayerBuilder;
use tenantry::{Choice, EmbeddedStore, Tenantry};
use tower_sessions::{MemoryStore, SessionManagerLayer, cookie::SameSite};

/// The cookie that remembers which organization a user chose last.
const ORGANIZATION: &str = "organization";

/// The whole service. Call it inside of a tokio runtime.
///
/// # Errors
/// If the settings cannot be used.
pub fn app() -> Result<Router> {
    let tenantry = Tenantry::builder()
        .store(Arc::new(EmbeddedStore::in_memory()?))
        .identity_source(users::signed_in)
        .layer(|layer| layer.choose([Choice::Cookie(ORGANIZATION.to_owned()), Choice::Only]).refuse_with(pages::refuse))
        .build()?;
    // A service that is not served over HTTPS alone does not mark its cookie Secure; yours should.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax).with_secure(false);
    let app = Router::new()
        // Who comes here is in an organization.
        .route("/", get(pages::notes).post(pages::write))
        .route_layer(tenantry.layer())
        // Who comes here is signed in, and perhaps in none.
        .merge(
            Router::new()
                .route("/organizations", get(pages::organizations).post(pages::create))
                .route("/organizations/choose", post(pages::choose))
                .route_layer(tenantry.layer().user_only()),
        )
        .route("/login", get(pages::login).post(users::log_in))
        .route("/logout", post(users::log_out))
        .with_state(pages::Notes::default())
        .nest("/tenantry", tenantry.router())
        // Outside of Tenantry's layers: they ask it.
        .layer(AuthManagerLayerBuilder::new(users::Users, sessions).build());
    Ok(app)
}
