//! Where the keys of an issuer are fetched from, and what can be set about it.

use std::{fmt, time::Duration};

use reqwest::{Certificate, Url};

use crate::{BuildError, jwt::Algorithm, limits};

/// The shortest and the longest that they may stay.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(7 * 24 * 3600));

/// The keys of an [`Issuer`] that publishes them, fetched over HTTPS ahead of need.
///
/// - Certificates are verified against the authorities that the operating system trusts (`SSL_CERT_FILE` names others),
///   and those that [`trust`](Self::trust) adds. Redirects are not followed. A fetch takes at most 5 s and 256 KiB, and
///   of a set the first 100 keys are taken.
/// - Keys are fetched again before they are too old, and the known ones stay while the issuer cannot be reached; see
///   [`keep_through_outage`](Self::keep_through_outage).
/// - A token that is signed by a key that is not known yet waits until the keys have been fetched again, which happens
///   at most every [`min_refresh`](Self::min_refresh). An issuer that publishes a key before it signs with it, as is
///   usual, makes nobody wait.
/// - A token is answered 401 only if its key is known to be missing; 503 `unavailable` if no keys could be fetched,
///   and 429 `rate_limited` if it is too early to fetch them again. Both carry `Retry-After`.
/// - It is done in the tokio runtime in which the verifier is built, which needs its I/O and its time enabled.
///
/// ```
/// use tenantry_tower::{
///     ClaimNames,
///     jwt::{Issuer, Jwks, JwtVerifier},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tenantry_tower::BuildError> {
/// let verifier = JwtVerifier::builder()
///     .issuer(Issuer::new("https://id.example.com/", Jwks::discover()).audience("https://api.example.com/"))
///     // The users of a partner are others, whatever they are called, and the partner vouches for no address of theirs.
///     .issuer(
///         Issuer::new("https://login.example.org", Jwks::at("https://login.example.org/keys.json"))
///             .audience("https://api.example.com/")
///             .qualified_ids()
///             .claims(ClaimNames::new().no_verified_email()),
///     )
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// [`Issuer`]: crate::jwt::Issuer
#[derive(Clone)]
pub struct Jwks {
    /// `None` if it is to be discovered.
    url: Option<Result<Url, BuildError>>,
    rsa_algorithms: Vec<Algorithm>,
    keep_through_outage: Duration,
    min_refresh: Duration,
    trusted: Result<Vec<Certificate>, BuildError>,
    plain_http: bool,
}

/// Where the keys are.
#[derive(Clone)]
pub(super) enum Source {
    /// Behind this URL.
    Jwks(Url),
    /// Where the OpenID configuration behind this URL says.
    Discovery(Url),
}

/// The keys of an issuer, when all was checked that is said of them.
pub(in crate::jwt) struct Checked {
    /// The issuer: what `iss` is.
    pub(super) name: String,
    pub(super) source: Source,
    /// What an RSA key that names no algorithm may be used for.
    pub(super) rsa_algorithms: Vec<Algorithm>,
    pub(super) keep_through_outage: Duration,
    pub(super) min_refresh: Duration,
    /// Authorities that are trusted besides the operating system's.
    pub(super) trusted: Vec<Certificate>,
    pub(super) plain_http: bool,
}

impl Jwks {
    /// The JSON Web Key Set behind `url`.
    ///
    /// The URL must be `https`, except on this machine (`localhost`, `127.0.0.0/8`, `[::1]`), and name no user. One that
    /// cannot be used is reported by [`JwtVerifierBuilder::build`](super::super::JwtVerifierBuilder::build).
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::new(Some(parse(url)))
    }

    /// The keys of an OpenID provider, whose name is its URL: they are where `<iss>/.well-known/openid-configuration`
    /// says.
    ///
    /// That document must name exactly the `iss` of the issuer: with or without a slash at the end, as its tokens do.
    #[must_use]
    pub fn discover() -> Self {
        Self::new(None)
    }

    fn new(url: Option<Result<Url, BuildError>>) -> Self {
        Self {
            url,
            rsa_algorithms: vec![Algorithm::Rs256],
            keep_through_outage: limits::JWKS_OUTAGE_DEFAULT,
            min_refresh: limits::JWKS_MIN_REFRESH_DEFAULT,
            trusted: Ok(Vec::new()),
            plain_http: false,
        }
    }

    /// How long the known keys stay while they cannot be fetched again: 24 h unless set, from a minute to a week.
    ///
    /// # Danger
    /// So long a key may stay that the issuer has withdrawn, for those who can keep this service from fetching.
    #[must_use]
    pub fn keep_through_outage(mut self, keep: Duration) -> Self {
        self.keep_through_outage = keep;
        self
    }

    /// The least time between two fetches for the sake of tokens with unknown keys: 10 s unless set, from a second to
    /// an hour.
    #[must_use]
    pub fn min_refresh(mut self, min_refresh: Duration) -> Self {
        self.min_refresh = min_refresh;
        self
    }

    /// What an RSA key may be used for whose `alg` the issuer does not say: RS256 unless set.
    #[must_use]
    pub fn rsa_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rsa_algorithms = algorithms.into_iter().collect();
        self
    }

    /// Trusts one more authority with the issuer's certificate, by its own as PEM: a company's own authority, say. There
    /// may be several in one text. What is no certificate is reported by
    /// [`JwtVerifierBuilder::build`](super::super::JwtVerifierBuilder::build).
    ///
    /// ```no_run
    /// # use tenantry_tower::jwt::{Issuer, Jwks};
    /// let authority = std::fs::read_to_string("/etc/acme/authority.pem")?;
    /// let issuer = Issuer::new("https://id.acme.internal/", Jwks::discover().trust(&authority));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn trust(mut self, certificate: &str) -> Self {
        self.trusted = self.trusted.and_then(|mut trusted| {
            trusted.extend(authorities(certificate)?);
            Ok(trusted)
        });
        self
    }

    /// Accepts `http` from any host.
    ///
    /// # Danger
    /// Whoever is on the way to the issuer can put keys of their own in the place of its, and so be any user.
    #[must_use]
    pub fn dangerously_accept_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Checks all of it together, for the issuer whose tokens say `iss`.
    pub(in crate::jwt) fn check(self, iss: &str) -> Result<Checked, BuildError> {
        let Self { url, rsa_algorithms, keep_through_outage, min_refresh, trusted, plain_http } = self;
        let source = match url {
            Some(url) => Source::Jwks(url?),
            None => Source::Discovery(configuration(iss)?),
        };
        let trusted = trusted?;
        if !is_acceptable(source.url(), plain_http) {
            return Err(BuildError::new(
                "the keys of an issuer cannot be fetched safely over plain http: give an https:// URL".to_owned(),
            ));
        }
        let is_rsa = |algorithm: &Algorithm| matches!(algorithm.family(), jsonwebtoken::AlgorithmFamily::Rsa);
        if rsa_algorithms.is_empty() || !rsa_algorithms.iter().all(is_rsa) {
            return Err(BuildError::new(
                "rsa_algorithms(…) names RS256 to RS512 and PS256 to PS512, at least one".to_owned(),
            ));
        }
        within("keep_through_outage", keep_through_outage, OUTAGE)?;
        within("min_refresh", min_refresh, limits::JWKS_MIN_REFRESH)?;
        let name = iss.to_owned();
        Ok(Checked { name, source, rsa_algorithms, keep_through_outage, min_refresh, trusted, plain_http })
    }
}

impl Source {
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Jwks(url) | Self::Discovery(url) => url,
        }
    }
}

/// Whether nobody on the way can change what `url` answers; plain `http` only within this machine, or where the host
/// said so.
pub(super) fn is_acceptable(url: &Url, plain_http: bool) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => plain_http || is_local(url),
        _ => false,
    }
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A URL without a user in it: it would be a secret, and URLs are logged.
pub(super) fn parse(url: &str) -> Result<Url, BuildError> {
    let url = Url::parse(url).map_err(|error| BuildError::new(format!("the URL of an issuer is none ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::new("the URL of an issuer has a user or password in it: leave them out".to_owned()));
    }
    Ok(url)
}

/// Where the OpenID configuration of the issuer is (OpenID Connect Discovery 1.0, 4.1).
fn configuration(issuer: &str) -> Result<Url, BuildError> {
    let url = parse(issuer)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BuildError::new(
            "an OpenID issuer has neither ? nor #: give it as its tokens have it (iss)".to_owned(),
        ));
    }
    parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
}

/// The certificates in this text, of which there must be one.
fn authorities(pem: &str) -> Result<Vec<Certificate>, BuildError> {
    let certificates = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    if certificates.is_empty() {
        return Err(BuildError::new(
            "trust(…) takes the certificate of an authority as PEM (-----BEGIN CERTIFICATE-----)".to_owned(),
        ));
    }
    Ok(certificates)
}

fn within(what: &str, value: Duration, (min, max): (Duration, Duration)) -> Result<(), BuildError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(BuildError::new(format!("a {what} of {value:?} is out of bounds: give {min:?} to {max:?}")))
    }
}

/// A URL as it may be shown: what follows `?` may be a secret.
pub(super) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut jwks = f.debug_struct("Jwks");
        // A URL that could not be used is better not shown.
        if let Some(Ok(url)) = &self.url {
            jwks.field("url", &shown(url));
        }
        jwks.finish_non_exhaustive()
    }
}
