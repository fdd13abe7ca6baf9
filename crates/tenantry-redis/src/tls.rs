//! TLS.

use std::path::{Path, PathBuf};

use redis::{Client, ClientTlsConfig, ConnectionAddr, TlsCertificates};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::{address::Place, options::ConnectError};

/// Whose certificates to trust, and which to show. The files are in PEM, and read when the store is connected.
///
/// ```
/// use tenantry_redis::{Options, Tls};
///
/// let tls = Tls::new().ca_file("/etc/redis/ca.pem").client_certificate("/etc/redis/app.pem", "/etc/redis/app.key");
/// let options = Options::new().tls(tls);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tls {
    ca_file: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Trusts whom the system trusts, and shows no certificate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this file, and no others.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Shows the certificate (with its chain) in the first file, whose private key is in the second.
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client = Some((certificate.into(), key.into()));
        self
    }
}

/// The place, with all connections encrypted if its URL or `tls` says so.
pub(crate) fn encrypt(mut place: Place, tls: Option<&Tls>) -> Result<Place, ConnectError> {
    if let (ConnectionAddr::Tcp(host, port), Some(_)) = (place.info.addr().clone(), tls) {
        let encrypted = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
        place.info = place.info.set_addr(encrypted);
    }
    if !matches!(place.info.addr(), ConnectionAddr::TcpTls { .. }) {
        return match tls {
            Some(_) => Err(ConnectError::options("a socket in the file system cannot be encrypted: leave TLS out")),
            None => Ok(place),
        };
    }
    if CryptoProvider::get_default().is_none() {
        // redis-rs takes the one of the process. An error says that another thread has just chosen one.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let client = |(certificate, key): &(PathBuf, PathBuf)| {
        Ok(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
    };
    let tls = tls.cloned().unwrap_or_default();
    let certificates = TlsCertificates {
        client_tls: tls.client.as_ref().map(client).transpose()?,
        root_cert: tls.ca_file.as_deref().map(read).transpose()?,
    };
    let unusable = |error| ConnectError::options(format!("the certificates for redis cannot be used: {error}"));
    let client = Client::build_with_tls(place.info, certificates).map_err(unusable)?;
    place.info = client.get_connection_info().clone();
    Ok(place)
}

fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    let unreadable = |error| ConnectError::options(format!("{} cannot be read: {error}", path.display()));
    std::fs::read(path).map_err(unreadable)
}
