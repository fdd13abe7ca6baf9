//! Stores, by address.

use std::sync::Arc;

use tenantry_core::store::Store;

/// Opens the store that `address` names:
///
/// - `memory:`, the embedded store in memory: everything is gone with the process (feature `embedded`);
/// - `file:PATH`, the embedded store in one file, for one process (feature `embedded`);
/// - `redis://…`, `redis+sentinel://…` or `redis+cluster://…`, Redis or Valkey (feature `redis`), and over TLS
///   `rediss://…`, `rediss+sentinel://…` or `rediss+cluster://…` (feature `redis-tls`).
///
/// # Errors
/// When the address names no store, the file cannot be used, or Redis does not answer. The message tells which, and
/// contains no password.
pub async fn open_store(address: &str) -> Result<Arc<dyn Store>, OpenStoreError> {
    #[cfg(feature = "embedded")]
    if address == "memory:" {
        return Ok(Arc::new(tenantry_embedded::EmbeddedStore::in_memory()?));
    }
    #[cfg(feature = "embedded")]
    if let Some(path) = address.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(Arc::new(tenantry_embedded::EmbeddedStore::open(path)?));
    }
    #[cfg(feature = "redis")]
    if address.split_once("://").is_some_and(|(scheme, _)| tenantry_redis::SCHEMES.contains(&scheme)) {
        let options = tenantry_redis::Options::default();
        return Ok(Arc::new(tenantry_redis::RedisStore::connect(address, options).await?));
    }
    let scheme = address.split(':').next().unwrap_or_default();
    let scheme: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    Err(OpenStoreError::UnknownAddress { scheme })
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// No store that was compiled in has such an address.
    #[error("no store is called {scheme:?}: use memory:, file:PATH or redis://HOST:PORT")]
    UnknownAddress {
        /// What stands before the colon; the rest may be secret.
        scheme: String,
    },
    /// The embedded store cannot be opened.
    #[cfg(feature = "embedded")]
    #[error(transparent)]
    Embedded(#[from] tenantry_embedded::OpenError),
    /// Redis does not answer.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Redis(#[from] tenantry_redis::ConnectError),
}
