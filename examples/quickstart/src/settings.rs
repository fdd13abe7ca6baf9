//! Settings from the environment.

use std::{env, net::SocketAddr};

use anyhow::{Context, Result, ensure};

/// A secret that everybody knows: for trying it out, and only where nobody else can connect.
const SECRET_FOR_TRIALS: &str = "quickstart-secret-that-everybody-knows";

pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) store: String,
    pub(crate) jwt_secret: String,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        let listen = setting("LISTEN", "127.0.0.1:3000")?;
        let listen: SocketAddr = listen
            .parse()
            .with_context(|| format!("LISTEN is {listen:?}: give an address and a port, such as 127.0.0.1:3000"))?;
        let given = env::var_os("JWT_SECRET").is_some();
        ensure!(
            given || listen.ip().is_loopback(),
            "JWT_SECRET is not set, and {listen} is open to others: set JWT_SECRET, or LISTEN on 127.0.0.1"
        );
        Ok(Self { listen, store: setting("STORE", "memory:")?, jwt_secret: setting("JWT_SECRET", SECRET_FOR_TRIALS)? })
    }
}

impl Settings {
    /// The store's address without a password.
    pub(crate) fn store_shown(&self) -> String {
        match self.store.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or_default()),
            None => self.store.clone(),
        }
    }
}

fn setting(name: &str, default: &str) -> Result<String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(env::VarError::NotUnicode(_)) => anyhow::bail!("{name} is not UTF-8"),
    }
}

/// What is logged: `RUST_LOG`, or warnings.
pub(crate) fn log_filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into())
}

/// Completes when the process is asked to stop, from now on.
#[cfg(unix)]
pub(crate) fn stopped() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when the process is asked to stop.
#[cfg(not(unix))]
pub(crate) fn stopped() -> Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
