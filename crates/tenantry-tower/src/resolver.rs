//! Finds the answer to a request: the known one at once, or the store's.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::{HeaderValue, Request};
use tenantry_core::{engine::Engine, error::Error};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    Authenticator,
    cache::Answers,
    choice::{Choices, Wish},
    credential,
    flights::Flights,
    generations::{AsOf, Generations},
    keyed::Keyed,
    refused::Refused,
    resolved::{Resolved, unauthenticated},
};

/// How often an answer may turn out stale while it is read, before a request reads for itself alone.
const ATTEMPTS_MAX: u32 = 4;

/// All clones of one layer share it.
pub(crate) struct Resolver {
    pub(crate) engine: Engine,
    pub(crate) authenticator: Authenticator,
    pub(crate) choices: Choices,
    pub(crate) required: bool,
    /// Every request reads for itself, and nothing is remembered but what a JWT tells.
    pub(crate) strict: bool,
    pub(crate) max_age: Duration,
    pub(crate) keyed: Keyed,
    pub(crate) generations: Arc<Generations>,
    pub(crate) answers: Answers,
    pub(crate) flights: Flights<Landed>,
    pub(crate) anonymous: Resolved,
    pub(crate) runtime: Handle,
    /// Nobody listens where nothing is remembered.
    pub(crate) listener: Option<AbortHandle>,
}

/// What is known about a request at first sight.
pub(crate) enum Sight {
    Known(Resolved),
    Refused(Refused),
    Unknown(Query),
}

/// A question to the store.
#[derive(Clone)]
pub(crate) struct Query {
    pub(crate) authorization: HeaderValue,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) key: u128,
}

/// What a load brought, and of when it is.
#[derive(Clone)]
pub(crate) struct Landed {
    as_of: AsOf,
    result: Result<Resolved, Refused>,
}

impl Resolver {
    /// What is known about `request` without asking anybody.
    pub(crate) fn look<B>(&self, request: &Request<B>) -> Result<Sight, Error> {
        let headers = request.headers();
        let Some(authorization) = credential::header(headers)? else {
            return if self.required { Err(unauthenticated()) } else { Ok(Sight::Known(self.anonymous.clone())) };
        };
        let mut hashing = self.keyed.begin();
        hashing.add(Some(authorization.as_bytes()));
        self.choices.hash(headers, request.uri(), &mut hashing)?;
        let key = hashing.end();
        let now = self.engine.clock().elapsed();
        if !self.strict
            && let Some(answer) = self.answers.get(key, now)
        {
            return match answer {
                Ok(resolved) => resolved.admit(now).map(|()| Sight::Known(resolved)),
                Err(refused) => Ok(Sight::Refused(refused)),
            };
        }
        let wishes = self.choices.wishes(headers, request.uri())?;
        Ok(Sight::Unknown(Query { authorization: authorization.clone(), wishes, key }))
    }

    /// The answer of the store, never older than this request; unless strictness forbids it shared with all who ask the
    /// same now.
    pub(crate) async fn answer(self: Arc<Self>, query: Query) -> Result<Resolved, Refused> {
        let resolved = self.clone().answer_shared(query).await?;
        // Each request counts, also where several wait for one answer.
        resolved.admit(self.engine.clock().elapsed())?;
        Ok(resolved)
    }

    async fn answer_shared(self: Arc<Self>, query: Query) -> Result<Resolved, Refused> {
        if self.strict {
            // Another request's read may have begun before what this one has to see.
            return self.resolve(&query).await;
        }
        for _ in 0..ATTEMPTS_MAX {
            if !self.generations.linked(self.engine.clock().elapsed()) {
                break;
            }
            let flight = self.flights.join(query.key, || self.clone().load(query.clone()).boxed());
            let landed = flight.await;
            if self.is_believable(&landed) {
                return landed.result;
            }
        }
        // Notices are missing or come too thick. A read that begins now and is nobody else's is right all the same.
        self.resolve(&query).await
    }

    async fn load(self: Arc<Self>, query: Query) -> Landed {
        let as_of = self.generations.now();
        // Another load may have landed since whoever asks looked: what it kept was kept before it was off the list.
        if let Some(result) = self.answers.get(query.key, self.engine.clock().elapsed()) {
            return Landed { as_of, result };
        }
        let result = self.resolve(&query).await;
        match &result {
            Ok(resolved) => self.answers.keep(resolved),
            Err(refused) => self.answers.keep_refused(query.key, refused.clone()),
        }
        Landed { as_of, result }
    }

    /// Whether this is so for all who waited for it, or has to be looked at again.
    fn is_believable(&self, landed: &Landed) -> bool {
        let now = self.engine.clock().elapsed();
        match &landed.result {
            Ok(resolved) => {
                resolved.validity().is_some_and(|validity| self.generations.renew(&validity.freshness, now))
            }
            Err(refused) if refused.is_of_the_moment() => true,
            Err(refused) => match refused.basis() {
                Some((began, subjects)) => self.generations.is_fresh(began.as_of, subjects, now),
                // It may depend on anything at all.
                None => self.generations.now() == landed.as_of,
            },
        }
    }
}

/// The last clone of the layer is gone: nobody needs notices any more.
impl Drop for Resolver {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}
