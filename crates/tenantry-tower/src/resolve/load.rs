//! Asks the store: the way from a credential to a tenant, where nothing is known.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tenantry_core::{
    access::{
        caller::{Caller, Identity, Presented},
        tenant_access::TenantAccess,
    },
    engine::{resolve::OnlyOrganization, token_use::TokenUse},
    values::{
        error::{Error, ErrorKind},
        slug::Slug,
    },
};

use crate::{
    answer::{
        refusal::Refusal,
        tenant::{Resolved, Validity, unauthenticated},
    },
    generations::{Freshness, Moment, Subjects},
    identity::{
        authenticator::Authenticated,
        evidence::Evidence,
        verified_user::{KeyValidity, Limit, VerifiedUser},
    },
    limits,
    request::choice::{Names, OrganizationName, Remembered},
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
        match self.authenticated(&query.evidence, began).await.map_err(Refusal::of_the_request)? {
            None => Err(Refusal::nobody(unauthenticated())),
            Some(Authenticated::Token(presented)) => match &query.names {
                Some(names) => self.resolve_token(query, names, presented, began).await,
                None => Err(Refusal::of_the_request(Error::needs_user())),
            },
            Some(Authenticated::User(user)) => self.resolve_user(query, &user, began).await,
        }
    }

    /// What a credential tells. A JWT is verified once, and what the host answered is not asked again at once.
    async fn authenticated(&self, evidence: &Evidence<'_>, began: Moment) -> Result<Option<Authenticated>, Error> {
        let is_lookup = matches!(evidence, Evidence::Lookup(_));
        if matches!(evidence, Evidence::User(_)) || (is_lookup && self.strict) {
            return self.authenticator.verify_evidence(evidence).await;
        }
        let mut hashing = self.keyed.begin();
        evidence.hash(&mut hashing);
        let key = hashing.end();
        if let Some(user) = self.answers.verified(key, began.at, began.elapsed) {
            return Ok(Some(Authenticated::User(user)));
        }
        let mut authenticated = self.authenticator.verify_evidence(evidence).await?;
        if let Some(Authenticated::User(user)) = &mut authenticated {
            user.ends = is_lookup.then(|| began.elapsed + self.max_age);
            self.answers.keep_verified(key, user.clone());
        }
        Ok(authenticated)
    }

    async fn resolve_token(
        &self,
        query: &Query,
        names: &Names,
        presented: Presented,
        began: Moment,
    ) -> Result<Resolved, Refusal> {
        let subjects = self.generations.token(&presented.key);
        let refuse = |error| Refusal::since(error, began, subjects);
        let (tenant, used) = self.engine.resolve_use(&presented).await.map_err(refuse)?;
        let Names { id, slug, .. } = names;
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
        let validity = Validity { freshness, ends: began.elapsed + lifetime, expires_at, keys: KeyValidity::default() };
        let caller = Caller::Token(presented.clone());
        let resolved = Resolved::new(query.key, caller, Ok(tenant), self.context.clone(), validity);
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
    fn refresh_profile(&self, identity: &Identity, tenant: &TenantAccess) {
        let (engine, identity, organization) = (self.engine.clone(), identity.clone(), tenant.organization_id());
        self.runtime.spawn(async move {
            if let Err(error) = engine.refresh_profile(&identity, organization).await {
                tracing::debug!(%organization, %error, "what a credential tells of a member was not noted");
            }
        });
    }

    async fn resolve_user(&self, query: &Query, user: &VerifiedUser, began: Moment) -> Result<Resolved, Refusal> {
        let caller = Caller::User(Box::new((*user.identity).clone()));
        let Chosen { tenant, subjects, is_final } = self.choose(query, user, &caller, began).await?;
        if let Ok(tenant) = &tenant
            && tenant.profile_is_due()
        {
            self.refresh_profile(&user.identity, tenant);
        }
        let expires_at = user.expires_at.into_iter().chain(user.keys.believed_until()).min();
        // A platform admin's rights depend on whether the organization has an owner, of which no notice tells.
        let max_age = if user.identity.platform_admin { Duration::ZERO } else { self.max_age };
        let max_age = if is_final { max_age } else { max_age.min(limits::REFUSED_MAX_AGE) };
        let lifetime = expires_at.map_or(max_age, |expiry| expiry.since(began.at).min(max_age));
        let ends = began.elapsed + lifetime;
        let ends = user.ends.map_or(ends, |end| ends.min(end));
        let freshness = Freshness::new(began.as_of, subjects);
        let validity = Validity { freshness, ends, expires_at, keys: user.keys.clone() };
        Ok(Resolved::new(query.key, caller, tenant, self.context.clone(), validity))
    }

    /// The user in the organization that they mean, or why they are in none.
    async fn choose(
        &self,
        query: &Query,
        user: &VerifiedUser,
        caller: &Caller,
        began: Moment,
    ) -> Result<Chosen, Refusal> {
        let identity = &*user.identity;
        let Some(mut names) = query.names.clone() else {
            return Ok(self.in_none(identity, self.choices.unsaid(), began));
        };
        if self.choices.has_claim() {
            // Also where the request itself names the organization: a token whose claim is unclear is for none.
            let claimed = user.limit.organization().map_err(Refusal::of_the_request)?;
            if claimed.is_some_and(|named| !names.add(named)) {
                return Err(Refusal::of_the_request(self.choices.contradictory()));
            }
        }
        let (tenant, is_final) = match &names {
            Names { id: Some(id), slug, .. } => {
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
                (tenant, true)
            }
            Names { id: None, slug: Some(slug), .. } => (self.by_slug(caller, slug).await?, true),
            Names { id: None, slug: None, remembered } => match self.remembered(caller, user, remembered).await? {
                Some(found) => found,
                None if self.choices.only => return self.only(identity, remembered.is_empty(), began).await,
                None => return Ok(self.in_none(identity, self.choices.unsaid(), began)),
            },
        };
        let subjects = self.generations.member(tenant.organization_id(), &identity.id);
        Ok(Chosen { tenant: Ok(tenant), subjects, is_final })
    }

    /// The first of the organizations that are remembered of the user's last choice which they may still see, and whether
    /// it is the first of all.
    async fn remembered(
        &self,
        caller: &Caller,
        user: &VerifiedUser,
        remembered: &[Remembered],
    ) -> Result<Option<(TenantAccess, bool)>, Error> {
        for (index, choice) in remembered.iter().enumerate() {
            let name = match (choice, &user.limit) {
                (Remembered::Name(name), _) | (Remembered::Claim, Limit::Organization(name)) => name,
                (Remembered::Claim, Limit::None | Limit::Unclear(_)) => continue,
            };
            let tenant = match name {
                OrganizationName::Id(id) => self.engine.resolve(caller, *id).await,
                OrganizationName::Slug(slug) => self.by_slug(caller, slug).await,
            };
            match tenant {
                Ok(tenant) => return Ok(Some((tenant, index == 0))),
                Err(error) if error.kind().status() < 500 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// A slug can move to another organization without a notice that could be connected with this answer. A grant is safe
    /// to remember, because the organization's own row must still bear the slug. A refusal is not, so it is not
    /// remembered.
    async fn by_slug(&self, caller: &Caller, slug: &Slug) -> Result<TenantAccess, Error> {
        let tenant = self.engine.resolve_slug(caller, slug, self.answers.last_with(slug)).await?;
        self.answers.note_slug(slug, tenant.organization_id());
        Ok(tenant)
    }

    async fn only(&self, identity: &Identity, is_final: bool, began: Moment) -> Result<Chosen, Refusal> {
        let refusal = match self.engine.only_organization(identity).await? {
            OnlyOrganization::One(tenant) => {
                let subjects = self.generations.only(tenant.organization_id(), &identity.id);
                return Ok(Chosen { tenant: Ok(tenant), subjects, is_final });
            }
            OnlyOrganization::None => Error::new(
                ErrorKind::NoOrganization,
                "you belong to no organization: create one, or accept an invitation to one",
            ),
            OnlyOrganization::Several => self.choices.unsaid(),
        };
        Ok(self.in_none(identity, refusal, began))
    }

    /// The user means no organization, which is refused where one is required.
    fn in_none(&self, identity: &Identity, refusal: Error, began: Moment) -> Chosen {
        let subjects = self.generations.user(&identity.id);
        Chosen { tenant: Err(Refusal::since(refusal, began, subjects)), subjects, is_final: false }
    }
}

/// Which organization a user is in, or why they are in none.
struct Chosen {
    tenant: Result<TenantAccess, Refusal>,
    subjects: Subjects,
    /// Whether notices tell of everything that this depends on. They do not tell that a user has an organization, nor that a
    /// remembered choice is right again for which another stands in.
    is_final: bool,
}

/// What a panic says, for the log.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it says nothing")
}
