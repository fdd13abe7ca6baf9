//! One fetch of an issuer's keys.

use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL};
use reqwest::{Client, Response, Url, redirect};
use serde::Deserialize;

use super::source::{Checked, Source, is_acceptable, parse};
use crate::{
    BuildError,
    limits::{self, JWKS_BYTES_MAX},
    problem::causes,
};

/// Asks an issuer for its keys. It bounds what it reads, and whoever asks it bounds the time.
pub(super) struct Fetcher {
    client: Client,
    source: Source,
    issuer: String,
    plain_http: bool,
}

/// A JSON Web Key Set, not looked into yet.
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    /// How long the issuer lets it be kept, if it says.
    pub(super) max_age: Option<Duration>,
}

/// Why there are no keys. It is logged: it shows no URL, since part of one may be a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the issuer cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the issuer did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the issuer answered with status {0}")]
    Status(u16),
    #[error("the issuer answered more than {JWKS_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the issuer's answer is not {0}")]
    Malformed(&'static str),
    #[error("the OpenID configuration is that of another issuer")]
    OtherIssuer,
    #[error("the OpenID configuration names a jwks_uri that is not safe to fetch")]
    UnsafeUri,
    #[error("the issuer publishes no key that can be used")]
    NoKeys,
}

/// What matters of an OpenID configuration.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    pub(super) fn new(issuer: &Checked) -> Result<Self, BuildError> {
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            // Fetches are rare: a connection kept from the last one is more often broken than useful.
            .pool_max_idle_per_host(0)
            .tls_certs_merge(issuer.trusted.iter().cloned())
            .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")));
        if issuer.source.url().scheme() == "http" {
            // A proxy in the environment is for the world outside, and would see and could change what is not encrypted.
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| {
            // The system's certificates are not missed where others are given.
            let mend = if issuer.trusted.is_empty() {
                "install the system's CA certificates"
            } else {
                "trust(…) takes the certificates of authorities"
            };
            BuildError::new(format!("cannot fetch over HTTPS: {mend} ({error}: {})", causes(&error)))
        })?;
        Ok(Self { client, source: issuer.source.clone(), issuer: issuer.name.clone(), plain_http: issuer.plain_http })
    }

    pub(super) async fn fetch(&self) -> Result<Fetched, FetchError> {
        match &self.source {
            Source::Jwks(url) => self.get(url).await,
            Source::Discovery(url) => {
                // Each time anew: the keys may move.
                let configuration = self.get(url).await?;
                self.get(&self.keys_of(url, &configuration.body)?).await
            }
        }
    }

    /// Where the keys are, as the configuration behind `url` has it.
    fn keys_of(&self, url: &Url, configuration: &[u8]) -> Result<Url, FetchError> {
        let configuration: Configuration =
            serde_json::from_slice(configuration).map_err(|_| FetchError::Malformed("an OpenID configuration"))?;
        if configuration.issuer != self.issuer {
            return Err(FetchError::OtherIssuer);
        }
        let keys = parse(&configuration.jwks_uri).map_err(|_| FetchError::UnsafeUri)?;
        // What came over https does not lead to less.
        let is_safe = keys.scheme() == "https" || (url.scheme() == "http" && is_acceptable(&keys, self.plain_http));
        if is_safe { Ok(keys) } else { Err(FetchError::UnsafeUri) }
    }

    async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        let unreachable = |error: reqwest::Error| FetchError::Unreachable(error.without_url());
        let request = self.client.get(url.clone()).header(ACCEPT, "application/json, application/jwk-set+json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let max_age = max_age(&response);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limits::JWKS_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body, max_age })
    }
}

/// How long the answer may be kept (RFC 9111); zero if not at all.
fn max_age(response: &Response) -> Option<Duration> {
    let values = response.headers().get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut max_age = None;
    for directive in values.flat_map(|value| value.split(',')).map(str::trim) {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        let Some((name, seconds)) = directive.split_once('=') else { continue };
        if name.eq_ignore_ascii_case("max-age") {
            max_age = seconds.trim_matches('"').parse().ok().map(Duration::from_secs);
        }
    }
    max_age
}
