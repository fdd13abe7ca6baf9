//! The keys of one issuer, as they were last fetched.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::{self, Either};
use jsonwebtoken::crypto::CryptoProvider;
use tenantry_core::values::{
    clock::{Clock, Timestamp},
    error::{Error, Quota},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::AbortHandle,
};

use super::{
    document::Published,
    fetch::Fetcher,
    refresh::Refresh,
    source::{Checked, shown},
    unknown_tokens::UnknownTokens,
};
use crate::{
    BuildError,
    identity::key_generation::{KeyGenerations, SignedBy},
    jwt::{
        builder::Resources,
        key_set::{KeyCheck, KeySet},
        token::Token,
        verify::unsigned,
    },
    limits,
};

/// An issuer whose keys are fetched. Dropping it ends the fetching.
pub(in crate::jwt) struct Remote {
    keys: Arc<RemoteKeys>,
    url: String,
    task: AbortHandle,
}

/// What verification and the task that fetches share.
pub(super) struct RemoteKeys {
    pub(super) issuer: Checked,
    pub(super) clock: Arc<dyn Clock>,
    provider: &'static CryptoProvider,
    known: RwLock<Arc<KnownKeys>>,
    generations: Arc<KeyGenerations>,
    asking: Mutex<FetchRequests>,
    /// Wakes the task.
    pub(super) wake: Notify,
    /// How many fetches have ended.
    ended: watch::Sender<u64>,
}

/// One set of keys.
struct KnownKeys {
    keys: KeySet,
    ids: BTreeSet<String>,
    generation: u64,
    /// The number of the fetch that brought it; 0 is none.
    fetch: u64,
    until: Timestamp,
}

#[derive(Default)]
struct FetchRequests {
    /// How many fetches have begun. The last is under way if fewer have ended.
    begun: u64,
    /// Whether the task was woken for a fetch that has not begun.
    woken: bool,
    /// When it was last woken.
    woken_at: Option<Timestamp>,
    unknown_tokens: UnknownTokens,
}

impl Remote {
    /// Begins to fetch.
    pub(in crate::jwt) fn new(issuer: Checked, surroundings: &Resources) -> Result<Self, BuildError> {
        let Resources { provider, clock, entropy } = surroundings;
        let runtime = Handle::try_current().map_err(|_| {
            BuildError::new(
                "the keys of an issuer are fetched: build the JwtVerifier within a tokio runtime".to_owned(),
            )
        })?;
        let (fetcher, url) = (Fetcher::new(&issuer)?, shown(issuer.source.url()));
        let nothing = KnownKeys {
            keys: KeySet::new(provider, Vec::new()),
            ids: BTreeSet::new(),
            generation: 0,
            fetch: 0,
            until: Timestamp::from_millis(i64::MIN),
        };
        let keys = Arc::new(RemoteKeys {
            issuer,
            clock: clock.clone(),
            provider,
            known: RwLock::new(Arc::new(nothing)),
            generations: KeyGenerations::none(),
            // The task begins with a fetch, which nobody needs to ask for.
            asking: Mutex::new(FetchRequests { woken: true, ..FetchRequests::default() }),
            wake: Notify::new(),
            ended: watch::Sender::new(0),
        });
        let refresh = Refresh { keys: keys.clone(), fetcher, entropy: entropy.clone(), provider };
        let task = runtime.spawn(refresh.run()).abort_handle();
        Ok(Self { keys, url, task })
    }

    /// Makes sure that a key of the issuer signed `token`. It waits only for keys that it cannot do without.
    pub(in crate::jwt) async fn verify_signature(&self, token: &Token<'_>) -> Result<SignedBy, Error> {
        match self.keys.look(token) {
            RemoteKeyCheck::Signed(signed_by) => Ok(signed_by),
            RemoteKeyCheck::Forged => Err(unsigned()),
            RemoteKeyCheck::Unknown(_) => self.keys.look_again(token).await,
        }
    }
}

/// What the known keys say of a token.
enum RemoteKeyCheck {
    Signed(SignedBy),
    Forged,
    Unknown(Arc<KnownKeys>),
}

impl RemoteKeys {
    fn look(&self, token: &Token<'_>) -> RemoteKeyCheck {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if self.clock.now() >= known.until {
            return RemoteKeyCheck::Unknown(known);
        }
        match known.keys.look(token) {
            KeyCheck::Signed => RemoteKeyCheck::Signed(SignedBy::new(&self.generations, known.generation)),
            KeyCheck::Forged => RemoteKeyCheck::Forged,
            KeyCheck::Unknown => RemoteKeyCheck::Unknown(known),
        }
    }

    /// Looks at keys that are fetched from now on, as far as they may be asked for.
    async fn look_again(&self, token: &Token<'_>) -> Result<SignedBy, Error> {
        let mut ends = self.ended.subscribe();
        let (first_seen, begun) = {
            let mut asking = self.lock();
            let begun = asking.begun;
            (asking.unknown_tokens.first(token, begun), begun)
        };
        let mut patience = self.clock.sleep(limits::JWKS_WAIT_MAX);
        loop {
            let ended = *ends.borrow_and_update();
            let known = match self.look(token) {
                RemoteKeyCheck::Signed(signed_by) => return Ok(signed_by),
                RemoteKeyCheck::Forged => return Err(unsigned()),
                RemoteKeyCheck::Unknown(known) => known,
            };
            let now = self.clock.now();
            let is_believed = now < known.until;
            if is_believed && known.fetch > first_seen {
                // Perhaps the issuer signs before it publishes. Nobody waits for that, but it mends itself.
                let _ = self.ask(now, self.issuer.min_refresh * limits::JWKS_REFUSED_FACTOR);
                return Err(unsigned());
            }
            // A fetch that began after the request came has failed.
            if ended > begun {
                return Err(away(self.issuer.min_refresh));
            }
            if let Err(wait) = self.ask(now, self.issuer.min_refresh) {
                // A fetch may have ended since the keys were looked at: it may be the one that this token needs.
                if *self.ended.borrow() > ended {
                    continue;
                }
                return Err(if is_believed { too_early(self.issuer.min_refresh, wait) } else { away(wait) });
            }
            match future::select(Box::pin(ends.changed()), patience).await {
                Either::Left((_, rest)) => patience = rest,
                Either::Right(_) => return Err(away(self.issuer.min_refresh)),
            }
        }
    }

    /// Has the keys fetched, unless that is under way, or the last time that this was asked is less than `least` ago:
    /// then it answers how long to wait.
    fn ask(&self, now: Timestamp, least: Duration) -> Result<(), Duration> {
        let mut asking = self.lock();
        if asking.woken || asking.begun > *self.ended.borrow() {
            return Ok(());
        }
        // A clock that was set back must not keep anybody waiting.
        if let Some(woken_at) = asking.woken_at.filter(|woken_at| *woken_at <= now) {
            let past = now.since(woken_at);
            if past < least {
                return Err(least.saturating_sub(past));
            }
        }
        asking.woken_at = Some(now);
        asking.woken = true;
        self.wake.notify_one();
        Ok(())
    }

    /// Whether somebody waits for a fetch that has not begun.
    pub(super) fn is_asked(&self) -> bool {
        self.lock().woken
    }

    /// A fetch begins: its number.
    pub(super) fn begin(&self) -> u64 {
        let mut asking = self.lock();
        asking.begun += 1;
        asking.woken = false;
        asking.begun
    }

    /// What a fetch brought that began at `begun_at` is known from now on.
    pub(super) fn install(&self, fetch: u64, begun_at: Timestamp, published: Published) {
        let Published { keys, ids } = published;
        let until = begun_at.after(self.issuer.keep_through_outage);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // A key that is new makes nothing untrue. One that is gone does.
        let generation = if known.ids.is_subset(&ids) { known.generation } else { known.generation + 1 };
        *known = Arc::new(KnownKeys { keys: KeySet::new(self.provider, keys), ids, generation, fetch, until });
        self.generations.renew(generation, until);
    }

    /// The fetch that began last has ended, well or badly.
    pub(super) fn end(&self, fetch: u64) {
        self.ended.send_replace(fetch);
    }

    fn lock(&self) -> MutexGuard<'_, FetchRequests> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn away(retry_after: Duration) -> Error {
    Error::away("the keys of the token's issuer cannot be fetched: try again", retry_after)
}

fn too_early(min_refresh: Duration, retry_after: Duration) -> Error {
    let detail = "the token's key is not known here, and it is too early to ask its issuer again: try again later";
    Error::rate_limited(detail, Quota::new("issuer-keys", 1, min_refresh), retry_after)
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("url", &self.url).finish_non_exhaustive()
    }
}
