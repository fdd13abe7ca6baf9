//! A clock that wakes sleepers when a test says so, and ways to ask a verifier.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tenantry_core::{
    access::caller::Caller,
    values::{
        clock::{Clock, Timestamp},
        error::Error,
    },
};
use tenantry_tower::{Authenticator, Head, JwtVerifier, JwtVerifierBuilder, jwt::Issuer};
use tokio::sync::oneshot;

use super::issuer::TestIssuer;
use crate::support::{TestClock, eventually, with_authorization};

/// The time of a [`TestClock`], by which those who sleep wake too.
#[derive(Debug)]
pub(super) struct HandClock {
    time: Arc<TestClock>,
    sleepers: Mutex<Vec<Sleeper>>,
}

#[derive(Debug)]
struct Sleeper {
    until: Timestamp,
    duration: Duration,
    wake: oneshot::Sender<()>,
}

impl HandClock {
    pub(super) fn new(time: Arc<TestClock>) -> Arc<Self> {
        Arc::new(Self { time, sleepers: Mutex::default() })
    }

    pub(super) fn time(&self) -> &TestClock {
        &self.time
    }

    pub(super) fn advance(&self, duration: Duration) {
        let mut sleepers = self.sleepers.lock().unwrap();
        self.time.advance(duration);
        let now = self.time.now();
        let (due, rest) = sleepers.drain(..).partition(|sleeper| sleeper.until <= now);
        *sleepers = rest;
        for sleeper in due {
            // Who was to be woken may be gone.
            let _ = sleeper.wake.send(());
        }
    }

    /// For how long the sleepers of now wanted to sleep.
    pub(super) fn sleeping(&self) -> Vec<Duration> {
        let mut sleepers = self.sleepers.lock().unwrap();
        sleepers.retain(|sleeper| !sleeper.wake.is_closed());
        sleepers.iter().map(|sleeper| sleeper.duration).collect()
    }

    /// Waits until there is one sleeper, the task that fetches, and nobody waits for it: for how long it rests.
    pub(super) async fn resting(&self) -> Duration {
        let mut rest = Duration::ZERO;
        eventually("only the task sleeps", async || match self.sleeping()[..] {
            // Five seconds are the bound of a fetch and of a request.
            [only] if only != Duration::from_secs(5) => {
                rest = only;
                true
            }
            _ => false,
        })
        .await;
        rest
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn elapsed(&self) -> Duration {
        self.time.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (wake, woken) = oneshot::channel();
        let mut sleepers = self.sleepers.lock().unwrap();
        sleepers.push(Sleeper { until: self.time.now().after(duration), duration, wake });
        Box::pin(async move { woken.await.unwrap_or(()) })
    }
}

/// One issuer, a verifier of its tokens, and their clock.
pub(super) struct Stage {
    pub(super) clock: Arc<HandClock>,
    pub(super) issuer: TestIssuer,
    pub(super) authenticator: Authenticator,
}

impl Stage {
    /// A verifier that has discovered the keys of `issuer`.
    pub(super) async fn new(issuer: TestIssuer) -> Self {
        let discovered = issuer.discovered();
        Self::with(issuer, discovered).await
    }

    pub(super) async fn with(issuer: TestIssuer, trusted: Issuer) -> Self {
        let clock = HandClock::new(Arc::default());
        let authenticator = authenticator(builder(&clock).issuer(trusted));
        let stage = Self { clock, issuer, authenticator };
        stage.clock.resting().await;
        stage
    }

    /// A token of Ann, signed by the key that the issuer uses now.
    pub(super) fn token(&self) -> String {
        self.issuer.token("ann", self.clock.time())
    }

    pub(super) async fn ask(&self, jwt: &str) -> String {
        told(&self.authenticator, jwt).await
    }

    /// What becomes of a fresh token.
    pub(super) async fn ask_fresh(&self) -> String {
        self.ask(&self.token()).await
    }

    /// Lets the task's rest pass, and waits until it has fetched.
    pub(super) async fn next_fetch(&self) {
        let rest = self.clock.resting().await;
        let before = self.issuer.fetches();
        self.clock.advance(rest);
        eventually("it is fetched", async || self.issuer.fetches() > before).await;
        self.clock.resting().await;
    }
}

/// A millisecond less.
pub(super) fn just_before(duration: Duration) -> Duration {
    duration.saturating_sub(Duration::from_millis(1))
}

pub(super) fn builder(clock: &Arc<HandClock>) -> JwtVerifierBuilder {
    JwtVerifier::builder().clock(clock.clone())
}

pub(super) fn authenticator(builder: JwtVerifierBuilder) -> Authenticator {
    Authenticator::new().jwt(builder.build().unwrap())
}

/// The code of the refusal, or the user.
pub(super) async fn told(authenticator: &Authenticator, jwt: &str) -> String {
    match identified(authenticator, jwt).await {
        Ok(user) => user,
        Err(error) => error.code().to_owned(),
    }
}

pub(super) async fn identified(authenticator: &Authenticator, jwt: &str) -> Result<String, Error> {
    match authenticator.authenticate(Head::of(&with_authorization(&format!("Bearer {jwt}")))).await? {
        Some(Caller::User(identity)) => Ok(identity.id.to_string()),
        other => panic!("{other:?}"),
    }
}
