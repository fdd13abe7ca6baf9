//! Finds the answer to a request: the known one at once, or the store's.

pub(crate) mod cache;
mod hot_table;
mod load;

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::Request;
use tenantry_core::{
    engine::Engine,
    store::change::Signal,
    values::error::{Error, ErrorKind},
};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    Authenticator,
    answer::{
        refusal::{Basis, Refusal},
        tenant::{Context, Resolved, unauthenticated},
    },
    generations::{Generations, NoticeNumber},
    identity::evidence::Evidence,
    in_flight::InFlight,
    keyed_hash::KeyedHash,
    layer::{
        mode::Mode,
        paths::{Path, Paths},
        vary::Vary,
    },
    limits,
    request::{choice::Names, choices::Choices, head::Head},
    resolve::cache::Answers,
};

/// All clones of one layer share it, and the [optional](crate::TenantryLayer::optional) ones beside the required ones.
pub(crate) struct Resolver {
    pub(crate) engine: Engine,
    pub(crate) context: Arc<Context>,
    pub(crate) authenticator: Authenticator,
    pub(crate) choices: Choices,
    pub(crate) vary: Vary,
    /// `None`: all are guarded.
    pub(crate) paths: Option<Paths>,
    /// Every request reads for itself, and nothing is remembered but what a JWT tells.
    pub(crate) strict: bool,
    pub(crate) max_age: Duration,
    pub(crate) keyed: KeyedHash,
    pub(crate) generations: Arc<Generations>,
    pub(crate) answers: Answers,
    pub(crate) in_flight: InFlight<Loaded>,
    pub(crate) anonymous: Resolved,
    pub(crate) runtime: Handle,
    pub(crate) listener: AbortHandle,
}

/// What is known about a request at first sight.
pub(crate) enum Lookup {
    /// Its path is none that is guarded.
    Exempt,
    Known(Resolved),
    Refused(Refusal),
    Unknown(Query),
}

/// A question to the store.
#[derive(Clone)]
pub(crate) struct Query {
    pub(crate) evidence: Evidence<'static>,
    /// What the request names; `None`: no organization is looked for.
    pub(crate) names: Option<Names>,
    pub(crate) key: u128,
}

/// What a load brought, and of when it is.
#[derive(Clone)]
pub(crate) struct Loaded {
    as_of: NoticeNumber,
    result: Result<Resolved, Refusal>,
}

impl Resolver {
    /// What is known about `request` without asking anybody.
    pub(crate) fn look<B>(&self, request: &Request<B>, mode: Mode) -> Result<Lookup, Error> {
        match self.paths.as_ref().map(|paths| paths.find(request.uri().path())) {
            None | Some(Path::Guarded) => {}
            Some(Path::Exempt) => return Ok(Lookup::Exempt),
            Some(Path::Unserved) => return Err(Error::new(ErrorKind::NotFound, "nothing is served at this path")),
        }
        let head = Head::of(request);
        let Some(evidence) = self.authenticator.evidence(head)? else {
            let is_anonymous = !mode.needs_credential();
            return if is_anonymous { Ok(Lookup::Known(self.anonymous.clone())) } else { Err(unauthenticated()) };
        };
        let mut hashing = self.keyed.begin();
        if mode.chooses() {
            evidence.hash(&mut hashing);
            self.choices.hash(head, &mut hashing)?;
        } else {
            // No credential that is answered well begins so.
            hashing.add(Some(b"user only"));
            evidence.hash(&mut hashing);
        }
        let key = hashing.end();
        let clock = &**self.engine.clock();
        if !self.strict
            && let Some(answer) = self.known_answer(key, &evidence)
        {
            return match answer {
                Ok(resolved) => match resolved.refusal(mode.needs_tenant()) {
                    Some(refusal) => Ok(Lookup::Refused(refusal)),
                    None => resolved.admit(clock).map(|()| Lookup::Known(resolved)),
                },
                Err(refused) => Ok(Lookup::Refused(refused)),
            };
        }
        let names = mode.chooses().then(|| self.choices.names(head)).transpose()?;
        Ok(Lookup::Unknown(Query { evidence: evidence.into_owned(), names, key }))
    }

    /// The answer of the store; unless strictness forbids it, one read serves all who ask the same now.
    ///
    /// So the read may have begun before this request. Its result counts only if no notice has come about what it
    /// depends on; where notices do not tell of all that, only if it began after this request.
    pub(crate) async fn answer(self: Arc<Self>, query: Query, mode: Mode) -> Result<Resolved, Refusal> {
        let resolved = match self.clone().answer_shared(query).await {
            // As if there were no credential: where one is not needed, the request passes.
            Err(refusal) if !mode.needs_credential() && matches!(refusal.basis(), Basis::Nobody) => {
                return Ok(self.anonymous.clone());
            }
            answer => answer?,
        };
        if let Some(refusal) = resolved.refusal(mode.needs_tenant()) {
            return Err(refusal);
        }
        // Each request counts, also where several wait for one answer.
        resolved.admit(&**self.engine.clock())?;
        Ok(resolved)
    }

    async fn answer_shared(self: Arc<Self>, query: Query) -> Result<Resolved, Refusal> {
        if self.strict {
            // Another request's read may have begun before what this one has to see.
            return self.resolve(&query).await;
        }
        for attempt in 0..limits::ATTEMPTS_MAX {
            if !self.generations.linked(self.engine.clock().elapsed()) {
                break;
            }
            let (load, begins) = self.in_flight.join(query.key, || self.clone().load(query.clone()).boxed());
            let loaded = load.await;
            // From the second try on the read is younger than this request, whoever began it: it began after the first ended.
            let is_younger = begins || attempt > 0;
            if self.is_believable(&loaded, is_younger) {
                return loaded.result;
            }
        }
        // The cache cannot be trusted now: notices are missing, or one came during each read. Read for this request alone: a
        // read that begins after the request came is fresh by definition.
        self.resolve(&query).await
    }

    /// The answer that is remembered, unless it is believed longer than the host says now that the session lasts.
    fn known_answer(&self, key: u128, evidence: &Evidence<'_>) -> Option<Result<Resolved, Refusal>> {
        let answer = self.answers.get(key, &**self.engine.clock())?;
        let ends = answer.as_ref().ok().and_then(Resolved::validity).map(|validity| validity.expires_at);
        let outlives = |until| ends.is_some_and(|ends| ends.is_none_or(|ends| ends > until));
        if evidence.until().is_some_and(outlives) { None } else { Some(answer) }
    }

    async fn load(self: Arc<Self>, query: Query) -> Loaded {
        let as_of = self.generations.now();
        // Another load may have landed since whoever asks looked: what it kept was kept before it was off the list.
        if let Some(result) = self.known_answer(query.key, &query.evidence) {
            return Loaded { as_of, result };
        }
        let result = self.resolve(&query).await;
        match &result {
            Ok(resolved) => self.answers.keep(resolved),
            Err(refused) => self.answers.keep_refused(query.key, refused.clone()),
        }
        Loaded { as_of, result }
    }

    /// Whether a shared result was still valid when it arrived; if not, the request asks again. `is_younger`: the read began
    /// after the request came.
    fn is_believable(&self, loaded: &Loaded, is_younger: bool) -> bool {
        let now = self.engine.clock().elapsed();
        let is_untouched = || is_younger || self.generations.now() == loaded.as_of;
        match &loaded.result {
            Ok(resolved) => {
                // No notice tells whether an organization has an owner left, on which a platform admin's rights depend.
                (!resolved.is_platform_admins() || is_untouched())
                    && resolved.validity().is_some_and(|validity| self.generations.renew(&validity.freshness, now))
            }
            Err(refused) if refused.is_temporary() => true,
            Err(refused) => match refused.basis() {
                Basis::Request | Basis::Nobody => true,
                Basis::Read(began, subjects) => self.generations.is_fresh(began.as_of, subjects, now),
                Basis::Untold => is_untouched(),
            },
        }
    }
}

/// The last clone of the layer is gone: no request needs notices any more.
impl Drop for Resolver {
    fn drop(&mut self) {
        self.listener.abort();
        // Streams that outlive the layer can be told nothing any more.
        self.generations.hear(&Signal::LinkLost);
    }
}
