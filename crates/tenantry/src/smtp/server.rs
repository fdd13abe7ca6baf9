//! The server that takes the mails.

use std::fmt;

use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use tenantry_core::{host::mailer::NotMailed, values::limits};
use tokio::time::timeout;
use url::Url;

use super::InvalidSmtp;

/// A server, and how to speak to it.
#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    /// Authorities that are trusted besides the operating system's.
    trusted: Vec<Certificate>,
}

/// How the way to the server is secured.
#[derive(Clone)]
enum Security {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Server {
    pub(super) fn parse(address: &str) -> Result<Self, InvalidSmtp> {
        let invalid = |mend: &str| InvalidSmtp(format!("the address of the SMTP server does not do: {mend}"));
        let url = Url::parse(address)
            .map_err(|_| invalid("write it as smtps://user:password@host, and what is special as %XX"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("name a host"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        if url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(invalid("there is something behind the host: write what is special in a password as %XX"));
        }
        let tls = || tls(&host, &[]);
        let (security, usual_port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls(tls()?), 465),
            ("smtp", None) => (Security::StartTls(tls()?), 587),
            ("smtp", Some("tls=none")) => (Security::None, 25),
            ("smtp" | "smtps", Some(_)) => return Err(invalid("the only option is smtp://host?tls=none")),
            _ => return Err(invalid("begin with smtps:// or smtp://")),
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(invalid("give both, user and password, or none")),
            (_, Some(_)) if matches!(security, Security::None) => {
                return Err(invalid("with ?tls=none everybody on the way could read the password: use smtps://"));
            }
            (user, Some(password)) => {
                let plain = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
                let both = plain(user).and_then(|user| Ok(Credentials::new(user, plain(password)?)));
                Some(both.map_err(|_| invalid("user and password are UTF-8, written as %XX"))?)
            }
        };
        let port = url.port().unwrap_or(usual_port);
        Ok(Self { host, port, security, credentials, trusted: Vec::new() })
    }

    /// The same server, trusting one more authority.
    pub(super) fn trusting(&self, certificate: &str) -> Result<Self, InvalidSmtp> {
        let mut server = self.clone();
        // lettre takes a text without any certificate for none.
        let certificate = Some(certificate)
            .filter(|text| text.contains("-----BEGIN CERTIFICATE-----"))
            .and_then(|text| Certificate::from_pem(text.as_bytes()).ok())
            .ok_or_else(|| InvalidSmtp("give the certificate of an authority as PEM".to_owned()))?;
        server.trusted.push(certificate);
        server.security = match &self.security {
            Security::None => Security::None,
            Security::StartTls(_) => Security::StartTls(tls(&self.host, &server.trusted)?),
            Security::Tls(_) => Security::Tls(tls(&self.host, &server.trusted)?),
        };
        Ok(server)
    }

    /// Hands a mail over. When this answers `Ok`, the server has accepted it.
    pub(super) async fn send(&self, message: &Message) -> Result<(), NotMailed> {
        let sending = async {
            let mut connection = self.connect().await.map_err(|error| NotMailed::Failed(error.into()))?;
            connection.send(message.envelope(), &message.formatted()).await.map_err(refused)?;
            Ok::<_, NotMailed>(connection)
        };
        // When it takes too long, the connection is closed in the midst: no other mail can get mixed up with this one.
        // (That is why there is no pool of lettre's, which keeps such a connection.)
        let sent = timeout(limits::SMTP_TIMEOUT, sending).await;
        let mut connection = sent.map_err(|_| NotMailed::Failed("the SMTP server took too long".into()))??;
        // It has the mail, whatever comes of this.
        let _ = timeout(limits::SMTP_QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let own_name = ClientId::default();
        let tls = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::None | Security::StartTls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        let patience = Some(limits::SMTP_CONNECT_TIMEOUT);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, patience, &own_name, tls, None).await?;
        if let Security::StartTls(tls) = &self.security {
            // Fails where the server has no TLS to offer.
            connection.starttls(tls.clone(), &own_name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn tls(host: &str, trusted: &[Certificate]) -> Result<TlsParameters, InvalidSmtp> {
    let mut builder = TlsParameters::builder(host.to_owned());
    for certificate in trusted {
        builder = builder.add_root_certificate(certificate.clone());
    }
    builder.build_rustls().map_err(|error| InvalidSmtp(format!("there is no TLS with this SMTP server: {error}")))
}

/// Whether to try again what the server refused, or lettre on its behalf.
fn refused(error: Error) -> NotMailed {
    // RFC 5321: no such mailbox, not here, not a mailbox. Other codes are about the server's mood, or about us.
    let no_mailbox = error.status().is_some_and(|code| matches!(u16::from(code), 550 | 551 | 553));
    // Letters that the server cannot take stand in the address.
    if no_mailbox || error.is_client() {
        NotMailed::Undeliverable(error.into())
    } else {
        NotMailed::Failed(error.into())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::None => "none",
            Security::StartTls(_) => "STARTTLS",
            Security::Tls(_) => "TLS",
        };
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &security)
            .finish_non_exhaustive()
    }
}
