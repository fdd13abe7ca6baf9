//! The task that fetches.

use std::{sync::Arc, time::Duration};

use futures_util::future::{self, Either};
use jsonwebtoken::crypto::CryptoProvider;
use tenantry_core::values::entropy::Entropy;

use super::{
    document::{self, Published},
    fetch::{FetchError, Fetched, Fetcher},
    remote::RemoteKeys,
};
use crate::{jwt::issuer::shown, limits, problem::causes};

pub(super) struct Refresh {
    pub(super) keys: Arc<RemoteKeys>,
    pub(super) fetcher: Fetcher,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) provider: &'static CryptoProvider,
}

impl Refresh {
    /// Fetches ahead of need and when it is asked to, until it is aborted.
    pub(super) async fn run(self) {
        let (keys, clock) = (&self.keys, &self.keys.clock);
        let mut failures = 0_u32;
        loop {
            let (fetch, begun_at) = (keys.begin(), clock.now());
            let pause = match self.fetch().await {
                Ok((published, pause)) => {
                    if failures > 0 {
                        tracing::info!(issuer = shown(&keys.issuer.name), "the keys of an issuer can be fetched again");
                    }
                    failures = 0;
                    keys.install(fetch, begun_at, published);
                    pause
                }
                Err(error) => {
                    let (issuer, cause) = (shown(&keys.issuer.name), causes(&error));
                    tracing::warn!(issuer, %error, cause, "the keys of an issuer could not be fetched");
                    let pause = limits::JWKS_RETRY_MIN.saturating_mul(1 << failures.min(6)).min(limits::JWKS_RETRY_MAX);
                    failures = failures.saturating_add(1);
                    pause
                }
            };
            keys.end(fetch);
            self.rest(self.varied(pause)).await;
        }
    }

    /// Waits until `pause` has passed or somebody asks.
    async fn rest(&self, pause: Duration) {
        let mut pause = self.keys.clock.sleep(pause);
        loop {
            match future::select(pause, Box::pin(self.keys.wake.notified())).await {
                Either::Right(((), rest)) if !self.keys.is_asked() => pause = rest,
                _ => return,
            }
        }
    }

    /// The keys, and when to fetch them again.
    async fn fetch(&self) -> Result<(Published, Duration), FetchError> {
        let limit = self.keys.clock.sleep(limits::JWKS_FETCH_MAX);
        let Fetched { body, max_age } = match future::select(Box::pin(self.fetcher.fetch()), limit).await {
            Either::Left((fetched, _)) => fetched?,
            Either::Right(_) => return Err(FetchError::TimedOut(limits::JWKS_FETCH_MAX)),
        };
        let issuer = &self.keys.issuer;
        let published = document::read(&body, &issuer.name, &issuer.rsa_algorithms, self.provider)?;
        let (least, most) = limits::JWKS_MAX_AGE;
        let good_for =
            max_age.unwrap_or(limits::JWKS_MAX_AGE_DEFAULT).clamp(least, most).min(issuer.keep_through_outage);
        Ok((published, good_for * 3 / 4))
    }

    /// `pause`, shortened by up to a tenth: nodes that were started together do not fetch together for ever.
    fn varied(&self, pause: Duration) -> Duration {
        let mut random = [0];
        // Without randomness it is not varied, and nothing else depends on it.
        let _ = self.entropy.fill(&mut random);
        pause.saturating_sub(pause / 10 * u32::from(random[0]) / 255)
    }
}
