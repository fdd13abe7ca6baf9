//! Asks the store: the way from a credential to a tenant, where nothing is known.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tenantry_core::{
    caller::{Caller, Identity, Presented},
    clock::Timestamp,
    error::{Error, ErrorKind},
    resolve::OnlyOrganization,
    slug::Slug,
    tenant::Tenant,
    token_use::TokenUse,
};

use crate::{
    choice::{Named, Wish},
    credential::{self, Credential},
    generations::{Freshness, Moment, Subjects},
    jwt::Verified,
    refused::Refused,
    resolved::{Resolved, Validity},
    resolver::{Query, Resolver},
};

impl Resolver {
    /// Asks the store.
    pub(crate) async fn resolve(&self, query: &Query) -> Result<Resolved, Refused> {
        let clock = self.engine.clock();
        let began = Moment { as_of: self.generations.now(), at: clock.now(), elapsed: clock.elapsed() };
        match credential::parse(&query.authorization)? {
            Credential::Token(presented) => self.resolve_token(query, presented, began).await,
            Credential::Jwt(jwt) => {
                let verified = self.verified(&query.authorization, jwt, began.at).await?;
                self.resolve_user(query, &verified, began).await
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

    async fn resolve_token(&self, query: &Query, presented: Presented, began: Moment) -> Result<Resolved, Refused> {
        let subjects = self.generations.token(&presented.key);
        let refuse = |error| Refused::since(error, began, subjects);
        let (tenant, used) = self.engine.resolve_use(&presented).await.map_err(refuse)?;
        let is_meant = query.wishes.iter().all(|wish| match wish {
            Wish::Explicit(Named::Id(id)) => *id == tenant.organization_id(),
            Wish::Explicit(Named::Slug(slug)) => slug.as_str() == tenant.organization_slug(),
            Wish::Claim | Wish::Only => true,
        });
        if !is_meant {
            return Err(refuse(Error::not_found("organization")));
        }
        let lifetime = tenant.expires_at().map_or(self.max_age, |expiry| expiry.since(began.at).min(self.max_age));
        let freshness = Freshness::new(began.as_of, subjects);
        let validity = Validity { freshness, ends: began.elapsed + lifetime, vouched: None };
        let caller = Caller::Token(presented.clone());
        let resolved = Resolved::new(query.key, caller, Some(tenant), self.engine.clone(), validity);
        // What the rate limit refuses is no use of the token.
        if let Some(used) = used.filter(|_| resolved.has_room(self.engine.clock().elapsed())) {
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

    async fn resolve_user(&self, query: &Query, verified: &Verified, began: Moment) -> Result<Resolved, Refused> {
        let caller = Caller::User(Box::new(verified.identity.clone()));
        let (tenant, subjects) = self.choose(query, verified, &caller, began).await?;
        if let Some(tenant) = tenant.as_ref().filter(|tenant| tenant.profile_is_due()) {
            self.refresh_profile(&verified.identity, tenant);
        }
        let vouched = verified.vouched.clone();
        let ends = verified.expires_at.min(vouched.believed_until());
        // A platform admin's rights depend on whether the organization has an owner, of which no notice tells.
        let max_age = if verified.identity.platform_admin { Duration::ZERO } else { self.max_age };
        let ends = began.elapsed + ends.since(began.at).min(max_age);
        let freshness = Freshness::new(began.as_of, subjects);
        let validity = Validity { freshness, ends, vouched: Some(vouched) };
        Ok(Resolved::new(query.key, caller, tenant, self.engine.clone(), validity))
    }

    /// The user in the organization that they mean; where that is optional, perhaps in none.
    async fn choose(
        &self,
        query: &Query,
        verified: &Verified,
        caller: &Caller,
        began: Moment,
    ) -> Result<(Option<Tenant>, Subjects), Refused> {
        let identity = &verified.identity;
        if self.choices.has_claim() {
            // Also where the request itself names the organization: the token is not for any.
            verified.limit.organization()?;
        }
        for wish in &query.wishes {
            let named = match wish {
                Wish::Explicit(named) => named,
                Wish::Claim => match verified.limit.organization()? {
                    Some(named) => named,
                    None => continue,
                },
                Wish::Only => return self.only(identity, began).await,
            };
            let tenant = match named {
                Named::Id(id) => self.engine.resolve(caller, *id).await.map_err(|error| {
                    // A platform admin's rights depend on whether the organization has an owner: see `resolve_user`.
                    if identity.platform_admin {
                        return Refused::from(error);
                    }
                    Refused::since(error, began, self.generations.member(*id, &identity.id))
                })?,
                Named::Slug(slug) => self.by_slug(caller, slug).await?,
            };
            let subjects = self.generations.member(tenant.organization_id(), &identity.id);
            return Ok((Some(tenant), subjects));
        }
        self.in_none(identity, self.choices.unsaid(), began)
    }

    /// A slug may come to mean another organization without a notice about anything that is known here: that is no
    /// reason to ask twice for what was granted, whose organization says itself what its slug is; but a refusal is not
    /// remembered.
    async fn by_slug(&self, caller: &Caller, slug: &Slug) -> Result<Tenant, Error> {
        let tenant = self.engine.resolve_slug(caller, slug, self.answers.last_with(slug)).await?;
        self.answers.note_slug(slug, tenant.organization_id());
        Ok(tenant)
    }

    async fn only(&self, identity: &Identity, began: Moment) -> Result<(Option<Tenant>, Subjects), Refused> {
        let refusal = match self.engine.only_organization(identity).await? {
            OnlyOrganization::One(tenant) => {
                let subjects = self.generations.only(tenant.organization_id(), &identity.id);
                return Ok((Some(tenant), subjects));
            }
            OnlyOrganization::None => Error::new(
                ErrorKind::Forbidden,
                "you belong to no organization: create one, or accept an invitation to one",
            ),
            OnlyOrganization::Several => self.choices.unsaid(),
        };
        self.in_none(identity, refusal, began)
    }

    /// The user means no organization, which is refused unless that is optional.
    fn in_none(
        &self,
        identity: &Identity,
        refusal: Error,
        began: Moment,
    ) -> Result<(Option<Tenant>, Subjects), Refused> {
        let subjects = self.generations.user(&identity.id);
        if self.required { Err(Refused::since(refusal, began, subjects)) } else { Ok((None, subjects)) }
    }
}
