//! Finds the answer to a request: the known one at once, or the store's.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::{HeaderValue, Request};
use tenantry_core::{
    caller::{Caller, Presented},
    clock::Timestamp,
    engine::Engine,
    error::{Error, ErrorKind},
    resolve::OnlyOrganization,
    tenant::Tenant,
};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    Authenticator,
    cache::Answers,
    choice::{Choices, Named, Wish},
    credential::{self, Credential},
    flights::Flights,
    generations::{AsOf, Generations, Subjects},
    jwt::Verified,
    keyed::Keyed,
    resolved::{Resolved, Validity, unauthenticated},
};

/// How often an answer may turn out stale while it is read, before a request reads for itself alone.
const ATTEMPTS_MAX: u32 = 4;

/// What a refusal carries; shared, since one load answers several requests.
pub(crate) type Refusal = Arc<Error>;

/// All clones of one layer share it.
pub(crate) struct Resolver {
    pub(crate) engine: Engine,
    pub(crate) authenticator: Authenticator,
    pub(crate) choices: Choices,
    pub(crate) required: bool,
    pub(crate) max_age: Duration,
    pub(crate) keyed: Keyed,
    pub(crate) generations: Arc<Generations>,
    pub(crate) answers: Answers,
    pub(crate) flights: Flights<Landed>,
    pub(crate) anonymous: Resolved,
    pub(crate) runtime: Handle,
    pub(crate) listener: AbortHandle,
}

/// What is known about a request at first sight.
pub(crate) enum Sight {
    Known(Resolved),
    Unknown(Query),
}

/// A question to the store.
#[derive(Clone)]
pub(crate) struct Query {
    authorization: HeaderValue,
    wishes: Vec<Wish>,
    key: u128,
}

/// What a load brought, and of when it is.
#[derive(Clone)]
pub(crate) struct Landed {
    as_of: AsOf,
    result: Result<Resolved, Refusal>,
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
        if let Some(resolved) = self.answers.get(key, self.engine.clock().now()) {
            return Ok(Sight::Known(resolved));
        }
        let wishes = self.choices.wishes(headers, request.uri())?;
        Ok(Sight::Unknown(Query { authorization: authorization.clone(), wishes, key }))
    }

    /// The answer of the store, shared with all who ask the same now, and never older than this request.
    pub(crate) async fn answer(self: Arc<Self>, query: Query) -> Result<Resolved, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            if !self.generations.linked() {
                break;
            }
            // Somebody else's load may have landed since this request looked.
            if let Some(resolved) = self.answers.get(query.key, self.engine.clock().now()) {
                return Ok(resolved);
            }
            let flight = self.flights.join(query.key, || self.clone().load(query.clone()).boxed());
            let landed = flight.await;
            if self.is_believable(&landed) {
                return landed.result;
            }
        }
        // Notices are missing or come too thick. A read that begins now and is nobody else's is right all the same.
        self.resolve(&query).await.map_err(Arc::new)
    }

    async fn load(self: Arc<Self>, query: Query) -> Landed {
        let as_of = self.generations.now();
        let result = self.resolve(&query).await.map_err(Arc::new);
        if let Ok(resolved) = &result {
            self.answers.keep(query.key, resolved.clone());
        }
        Landed { as_of, result }
    }

    /// A refusal does not know on what it depends: any notice at all makes it worth another look, unless it says
    /// that the store cannot be asked.
    fn is_believable(&self, landed: &Landed) -> bool {
        match &landed.result {
            Ok(resolved) => {
                resolved.validity().is_some_and(|validity| self.generations.is_fresh(validity.as_of, validity.subjects))
            }
            Err(error) => error.kind() == ErrorKind::Unavailable || self.generations.now() == landed.as_of,
        }
    }

    /// Asks the store.
    async fn resolve(&self, query: &Query) -> Result<Resolved, Error> {
        let now = self.engine.clock().now();
        let as_of = self.generations.now();
        match credential::parse(&query.authorization)? {
            Credential::Token(presented) => self.resolve_token(query, presented, as_of, now).await,
            Credential::Jwt(jwt) => {
                let verified = self.verified(&query.authorization, jwt, now).await?;
                self.resolve_user(query, &verified, as_of, now).await
            }
        }
    }

    /// What a JWT tells; its signature is verified once.
    async fn verified(&self, authorization: &HeaderValue, jwt: &str, now: Timestamp) -> Result<Arc<Verified>, Error> {
        let mut hashing = self.keyed.begin();
        hashing.add(Some(authorization.as_bytes()));
        let key = hashing.end();
        if let Some(verified) = self.answers.verified(key, now) {
            return Ok(verified);
        }
        let verified = Arc::new(self.authenticator.verify(jwt).await?);
        self.answers.keep_verified(key, verified.clone());
        Ok(verified)
    }

    async fn resolve_token(
        &self,
        query: &Query,
        presented: Presented,
        as_of: AsOf,
        now: Timestamp,
    ) -> Result<Resolved, Error> {
        let tenant = self.engine.resolve_token(&presented).await?;
        let is_meant = query.wishes.iter().all(|wish| match wish {
            Wish::Explicit(Named::Id(id)) => *id == tenant.organization_id(),
            Wish::Explicit(Named::Slug(slug)) => slug.as_str() == tenant.organization_slug(),
            Wish::Claim | Wish::Only => true,
        });
        if !is_meant {
            return Err(Error::not_found("organization"));
        }
        self.note_use(presented.clone());
        let until = now.after(self.max_age);
        let until = tenant.expires_at().map_or(until, |expiry| expiry.min(until));
        let subjects = self.generations.token(&presented.key);
        let validity = Validity { as_of, subjects, until, vouched: None };
        Ok(Resolved::new(Caller::Token(presented), Some(tenant), self.engine.clone(), validity))
    }

    /// In the background: nobody waits for it, and nothing depends on it.
    fn note_use(&self, presented: Presented) {
        let engine = self.engine.clone();
        self.runtime.spawn(async move {
            if let Err(error) = engine.record_use(&presented).await {
                tracing::debug!(key = %presented.key, %error, "the use of an API token was not noted");
            }
        });
    }

    async fn resolve_user(
        &self,
        query: &Query,
        verified: &Verified,
        as_of: AsOf,
        now: Timestamp,
    ) -> Result<Resolved, Error> {
        let caller = Caller::User(Box::new(verified.identity.clone()));
        let (tenant, subjects) = self.choose(query, verified, &caller).await?;
        // A platform admin's rights depend on whether the organization has an owner, of which no notice tells.
        let until = if verified.identity.platform_admin { now } else { now.after(self.max_age) };
        let vouched = Some(verified.vouched.clone());
        let validity = Validity { as_of, subjects, until: until.min(verified.expires_at), vouched };
        Ok(Resolved::new(caller, tenant, self.engine.clone(), validity))
    }

    /// The user in the organization that they mean; where that is optional, perhaps in none.
    async fn choose(
        &self,
        query: &Query,
        verified: &Verified,
        caller: &Caller,
    ) -> Result<(Option<Tenant>, Subjects), Error> {
        let user = &verified.identity.id;
        for wish in &query.wishes {
            let named = match wish {
                Wish::Explicit(named) => named,
                Wish::Claim => match &verified.organization {
                    Some(named) => named,
                    None => continue,
                },
                Wish::Only => return self.only(verified, caller).await,
            };
            let tenant = match named {
                Named::Id(id) => self.engine.resolve(caller, *id).await?,
                Named::Slug(slug) => self.engine.resolve_slug(caller, slug).await?,
            };
            let subjects = self.generations.member(tenant.organization_id(), user);
            return Ok((Some(tenant), subjects));
        }
        if self.required { Err(self.choices.unsaid()) } else { Ok((None, self.generations.user(user))) }
    }

    async fn only(&self, verified: &Verified, caller: &Caller) -> Result<(Option<Tenant>, Subjects), Error> {
        let user = &verified.identity.id;
        let refusal = match self.engine.only_organization(user).await? {
            OnlyOrganization::One(id) => {
                let tenant = self.engine.resolve(caller, id).await?;
                return Ok((Some(tenant), self.generations.only(id, user)));
            }
            OnlyOrganization::None => Error::new(
                ErrorKind::Forbidden,
                "you belong to no organization: create one, or accept an invitation to one",
            ),
            OnlyOrganization::Several => self.choices.unsaid(),
        };
        if self.required { Err(refusal) } else { Ok((None, self.generations.user(user))) }
    }
}

/// The last clone of the layer is gone: nobody needs notices any more.
impl Drop for Resolver {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
