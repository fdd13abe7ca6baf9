//! Asks the store: the way from a credential to a tenant, where nothing is known.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::HeaderValue;
use tenantry_core::{
    access::{
        caller::{Caller, Identity, Presented},
        tenant::Tenant,
    },
    engine::{resolve::OnlyOrganization, token_use::TokenUse},
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        slug::Slug,
    },
};

use crate::{
    answer::{
        refusal::Refusal,
        tenant::{Resolved, Validity},
    },
    generations::{Freshness, Moment, Subjects},
    jwt::VerifiedToken,
    limits,
    request::{
        choice::Names,
        credential::{self, Credential},
    },
    resolve::{Query, Resolver},
};

impl Resolver {
    /// Asks the store. A panic there (in a store of the host's own, say) becomes a refusal: it must not spread to all who
    /// wait for the same answer.
    pub(crate) async fn resolve(&self, query: &Query) -> Result<Resolved, Refusal> {
        let asked = AssertUnwindSafe(self.ask(query)).catch_unwind().await;
        asked.unwrap_or_else(|panic| Err(Error::internal(format!("a panic: {}", message(&*panic))).into()))
    }

    async fn ask(&self, query: &Query) -> Result<Resolved, Refusal> {
        let clock = self.engine.clock();
        let began = Moment { as_of: self.generations.now(), at: clock.now(), elapsed: clock.elapsed() };
        match credential::parse(&query.authorization).map_err(Refusal::of_the_request)? {
            Credential::Token(presented) => self.resolve_token(query, presented, began).await,
            Credential::Jwt(jwt) => {
                let verified =
                    self.verified(&query.authorization, jwt, began.at).await.map_err(Refusal::of_the_request)?;
                self.resolve_user(query, &verified, began).await
            }
        }
    }

    /// What a JWT tells; its signature is verified once.
    async fn verified(
        &self,
        authorization: &HeaderValue,
        jwt: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, Error> {
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

    async fn resolve_token(&self, query: &Query, presented: Presented, began: Moment) -> Result<Resolved, Refusal> {
        let subjects = self.generations.token(&presented.key);
        let refuse = |error| Refusal::since(error, began, subjects);
        let (tenant, used) = self.engine.resolve_use(&presented).await.map_err(refuse)?;
        let Names { id, slug } = &query.names;
        let is_own = [
            id.map(|id| id == tenant.organization_id()),
            slug.as_ref().map(|slug| slug.as_str() == tenant.organization_slug()),
        ];
        if is_own.contains(&Some(false)) {
            let other = !is_own.contains(&Some(true));
            return Err(refuse(if other { Error::not_found("organization") } else { self.choices.contradictory() }));
        }
        let expires_at = tenant.expires_at();
        let lifetime = expires_at.map_or(self.max_age, |expiry| expiry.since(began.at).min(self.max_age));
        let freshness = Freshness::new(began.as_of, subjects);
        let validity = Validity { freshness, ends: began.elapsed + lifetime, expires_at, signed_by: None };
        let caller = Caller::Token(presented.clone());
        let resolved = Resolved::new(query.key, caller, Ok(tenant), self.engine.clone(), validity);
        // What the rate limit refuses is no use of the token.
        if let Some(used) = used.filter(|_| resolved.has_room(&**self.engine.clock())) {
            self.note(&presented, used);
        }
        Ok(resolved)
    }

    /// In the background: nobody waits for it, and nothing depends on it.
    fn note(&self, presented: &Presented, used: TokenUse) {
        let (engine, key) = (self.engine.clone(), presented.key);
        self.runtime.spawn(async move {
            if let Err(error) = engine.note(used).await {
                tracing::debug!(%key, %error, "the use of an API token was not noted");
            }
        });
    }

    /// In the background, as well.
    fn refresh_profile(&self, identity: &Identity, tenant: &Tenant) {
        let (engine, identity, organization) = (self.engine.clone(), identity.clone(), tenant.organization_id());
        self.runtime.spawn(async move {
            if let Err(error) = engine.refresh_profile(&identity, organization).await {
                tracing::debug!(%organization, %error, "what a credential tells of a member was not noted");
            }
        });
    }

    async fn resolve_user(&self, query: &Query, verified: &VerifiedToken, began: Moment) -> Result<Resolved, Refusal> {
        let caller = Caller::User(Box::new(verified.identity.clone()));
        let (tenant, subjects) = self.choose(query, verified, &caller, began).await?;
        if let Ok(tenant) = &tenant
            && tenant.profile_is_due()
        {
            self.refresh_profile(&verified.identity, tenant);
        }
        let signed_by = verified.signed_by.clone();
        let expires_at = verified.expires_at.min(signed_by.believed_until());
        // A platform admin's rights depend on whether the organization has an owner, of which no notice tells.
        let max_age = if verified.identity.platform_admin { Duration::ZERO } else { self.max_age };
        let max_age = if tenant.is_ok() { max_age } else { max_age.min(limits::REFUSED_MAX_AGE) };
        let ends = began.elapsed + expires_at.since(began.at).min(max_age);
        let freshness = Freshness::new(began.as_of, subjects);
        let validity = Validity { freshness, ends, expires_at: Some(expires_at), signed_by: Some(signed_by) };
        Ok(Resolved::new(query.key, caller, tenant, self.engine.clone(), validity))
    }

    /// The user in the organization that they mean, or why they are in none.
    async fn choose(
        &self,
        query: &Query,
        verified: &VerifiedToken,
        caller: &Caller,
        began: Moment,
    ) -> Result<(Result<Tenant, Refusal>, Subjects), Refusal> {
        let identity = &verified.identity;
        let mut names = query.names.clone();
        if self.choices.has_claim() {
            // Also where the request itself names the organization: a token whose claim is unclear is for none.
            let claimed = verified.limit.organization().map_err(Refusal::of_the_request)?;
            if claimed.is_some_and(|named| !names.add(named)) {
                return Err(Refusal::of_the_request(self.choices.contradictory()));
            }
        }
        let tenant = match &names {
            Names { id: Some(id), slug } => {
                let refuse = |error| {
                    // A platform admin's rights depend on whether the organization has an owner: see `resolve_user`.
                    if identity.platform_admin {
                        return Refusal::from(error);
                    }
                    Refusal::since(error, began, self.generations.member(*id, &identity.id))
                };
                let tenant = self.engine.resolve(caller, *id).await.map_err(refuse)?;
                // A change of the slug is a change of the organization: a notice tells of it.
                if slug.as_ref().is_some_and(|slug| slug.as_str() != tenant.organization_slug()) {
                    return Err(refuse(self.choices.contradictory()));
                }
                tenant
            }
            Names { id: None, slug: Some(slug) } => self.by_slug(caller, slug).await?,
            Names { id: None, slug: None } if self.choices.only => return self.only(identity, began).await,
            Names { id: None, slug: None } => return Ok(self.in_none(identity, self.choices.unsaid(), began)),
        };
        let subjects = self.generations.member(tenant.organization_id(), &identity.id);
        Ok((Ok(tenant), subjects))
    }

    /// A slug can move to another organization without a notice that could be connected with this answer. A grant is safe
    /// to remember, because the organization's own row must still bear the slug. A refusal is not, so it is not
    /// remembered.
    async fn by_slug(&self, caller: &Caller, slug: &Slug) -> Result<Tenant, Error> {
        let tenant = self.engine.resolve_slug(caller, slug, self.answers.last_with(slug)).await?;
        self.answers.note_slug(slug, tenant.organization_id());
        Ok(tenant)
    }

    async fn only(&self, identity: &Identity, began: Moment) -> Result<(Result<Tenant, Refusal>, Subjects), Refusal> {
        let refusal = match self.engine.only_organization(identity).await? {
            OnlyOrganization::One(tenant) => {
                let subjects = self.generations.only(tenant.organization_id(), &identity.id);
                return Ok((Ok(tenant), subjects));
            }
            OnlyOrganization::None => Error::new(
                ErrorKind::Forbidden,
                "you belong to no organization: create one, or accept an invitation to one",
            ),
            OnlyOrganization::Several => self.choices.unsaid(),
        };
        Ok(self.in_none(identity, refusal, began))
    }

    /// The user means no organization, which is refused where one is required.
    fn in_none(&self, identity: &Identity, refusal: Error, began: Moment) -> (Result<Tenant, Refusal>, Subjects) {
        let subjects = self.generations.user(&identity.id);
        (Err(Refusal::since(refusal, began, subjects)), subjects)
    }
}

/// What a panic says, for the log.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it says nothing")
}
