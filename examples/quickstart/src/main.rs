//! A small notes service that had users before it had organizations.
//!
//! Users sign in elsewhere; the service verifies their JWTs. Tenantry made it multi-tenant: notes belong to
//! organizations, writing one needs a permission, and `/tenantry` manages organizations, members and tokens.
//!
//! ```text
//! LISTEN      where to listen             127.0.0.1:3000
//! STORE       where organizations are     memory:   (or file:PATH, redis://HOST:PORT)
//! JWT_SECRET  what signs users' JWTs      a secret for trying it out, at least 32 bytes (HS256)
//! ```

mod notes;
mod settings;
mod users;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router, ServiceExt,
    extract::Request,
    routing::{get, post},
};
use mimalloc::MiMalloc;
use serde_json::{Value, json};
use settings::Settings;
use tenantry::{Tenant, Tenantry, TenantryService, open_store, require};

// Optional: a change allocates much, which costs less with this than with the allocator of most systems.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(settings::log_filter()).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<()> {
    let settings = Settings::from_environment()?;
    let app = app(&settings).await?;
    let listener = tokio::net::TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {} (set LISTEN to another address)", settings.listen))?;
    let stopped = settings::stopped().context("cannot listen to signals")?;
    let tour = users::tour(&settings, listener.local_addr()?)?;
    // Whoever has stopped reading, such as `head`, does not stop the service.
    let _ = io::stdout().write_all(tour.as_bytes());
    let app = ServiceExt::<Request>::into_make_service(app);
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    Ok(())
}

async fn app(settings: &Settings) -> Result<TenantryService<Router>> {
    let store = open_store(&settings.store).await.context("STORE")?;
    let tenantry = Tenantry::builder()
        .store(store)
        .jwt(users::verifier(&settings.jwt_secret))
        .permission("notes:write")
        .role("writer", ["org:view", "members:view", "notes:write"])
        // What is not listed is 404. The admin router looks at credentials itself.
        .layer(|layer| layer.serves(["/notes", "/whoami"]).exempt(["/tenantry/{*path}"]))
        .build()
        .context("the settings cannot be used")?;

    let router = Router::new()
        .route("/notes", post(notes::write).route_layer(require("notes:write")).get(notes::list))
        .route("/whoami", get(whoami))
        .with_state(notes::Notes::default())
        .nest("/tenantry", tenantry.router());
    Ok(tenantry.layer().layer(router))
}

/// Who is calling, in which organization, and what they may do there.
async fn whoami(tenant: Tenant) -> Json<Value> {
    Json(json!({
        "organizationId": tenant.organization_id(),
        "organization": tenant.organization_name(),
        "principal": tenant.principal(),
        "role": tenant.role(),
        "roles": tenant.roles(),
        "permissions": tenant.permissions(),
    }))
}
