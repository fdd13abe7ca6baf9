//! Answers that may be given again.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use tenantry_core::values::{
    clock::{Clock, Timestamp},
    ids::OrganizationId,
    slug::Slug,
};

use crate::{
    answer::{
        refusal::{Basis, Refusal},
        tenant::{Resolved, Validity},
    },
    generations::Generations,
    identity::verified_user::VerifiedUser,
    keyed_hash::PassThrough,
    limits,
    resolve::hot_table::HotTable,
};

/// What is known of credentials, by the keyed hash of what was asked.
///
/// moka's synchronous cache: a known answer must be found without a future, and `in_flight.rs` sees to it that one load
/// serves all who ask. What is found is believed only if it is still so; see `generations.rs`. What is granted, who is
/// in no organization, what is refused and what helps to find out have a cache each: wrong credentials, of which anybody can
/// send any number, and users who only signed up push out nothing but one another.
pub(crate) struct Answers {
    generations: Arc<Generations>,
    hot_table: HotTable,
    resolved: Cache<u128, Resolved, PassThrough>,
    without_tenant: Cache<u128, Resolved, PassThrough>,
    refused: Cache<u128, Refusal, PassThrough>,
    verified: Cache<u128, VerifiedUser, PassThrough>,
    slugs: Cache<Slug, OrganizationId>,
}

impl Answers {
    pub(crate) fn new(generations: Arc<Generations>, max_age: Duration, capacity: u64) -> Self {
        // An answer says itself when it ends. That moka knows the age too lets it give back the room.
        let resolved = Cache::builder().max_capacity(capacity).time_to_live(max_age).build_with_hasher(PassThrough);
        let refused_max_age = max_age.min(limits::REFUSED_MAX_AGE);
        let without_tenant =
            Cache::builder().max_capacity(capacity).time_to_live(refused_max_age).build_with_hasher(PassThrough);
        let refused =
            Cache::builder().max_capacity(capacity).time_to_live(refused_max_age).build_with_hasher(PassThrough);
        // No time to live: `verified` checks at each hit whether the credential has ended and whether its key still counts,
        // and whoever asks for a slug has the organization confirmed.
        let verified = Cache::builder().max_capacity(capacity).build_with_hasher(PassThrough);
        Self {
            generations,
            hot_table: HotTable::new(capacity),
            resolved,
            without_tenant,
            refused,
            verified,
            slugs: Cache::new(capacity),
        }
    }

    /// The answer, if it may be given again now.
    pub(crate) fn get(&self, key: u128, clock: &dyn Clock) -> Option<Result<Resolved, Refusal>> {
        let now = clock.elapsed();
        self.granted(key, now, clock).map(Ok).or_else(|| self.refused(key, now).map(Err))
    }

    fn granted(&self, key: u128, now: Duration, clock: &dyn Clock) -> Option<Resolved> {
        if let Some(tenant) = self.hot_table.get(key, |inside| self.is_true(&inside.validity, now, clock)) {
            return Some(Resolved::inside(tenant));
        }
        let resolved = self.resolved.get(&key).or_else(|| self.without_tenant.get(&key))?;
        let validity = resolved.validity()?;
        if !self.is_true(validity, now, clock) {
            return None;
        }
        if let Some(tenant) = resolved.tenant() {
            self.hot_table.put(&tenant);
        }
        Some(resolved)
    }

    fn is_true(&self, validity: &Validity, now: Duration, clock: &dyn Clock) -> bool {
        now < validity.ends
            && validity.expires_at.is_none_or(|expiry| clock.now_coarse() < expiry)
            && validity.keys.stands()
            && self.generations.renew(&validity.freshness, now)
    }

    fn refused(&self, key: u128, now: Duration) -> Option<Refusal> {
        let refused = self.refused.get(&key)?;
        let Basis::Read(began, subjects) = refused.basis() else { return None };
        let is_true =
            now < began.elapsed + limits::REFUSED_MAX_AGE && self.generations.is_fresh(began.as_of, subjects, now);
        is_true.then_some(refused)
    }

    /// Keeps an answer; whoever finds it checks it.
    pub(crate) fn keep(&self, resolved: &Resolved) {
        let kept = if resolved.tenant().is_some() { &self.resolved } else { &self.without_tenant };
        kept.insert(resolved.key(), resolved.clone());
    }

    /// Keeps a refusal, if notices tell when it is so no more.
    pub(crate) fn keep_refused(&self, key: u128, refused: Refusal) {
        if matches!(refused.basis(), Basis::Read(..)) && !refused.is_temporary() {
            self.refused.insert(key, refused);
        }
    }

    /// What the credential with this hash tells, if that still holds: a JWT that has not ended and was verified by keys that
    /// are still believed, or what the host answered not long ago.
    pub(crate) fn verified(&self, key: u128, now: Timestamp, elapsed: Duration) -> Option<VerifiedUser> {
        self.verified.get(&key).filter(|verified| verified.holds(now, elapsed))
    }

    pub(crate) fn keep_verified(&self, key: u128, verified: VerifiedUser) {
        self.verified.insert(key, verified);
    }

    /// The organization that last had `slug`.
    pub(crate) fn last_with(&self, slug: &Slug) -> Option<OrganizationId> {
        self.slugs.get(slug)
    }

    /// Keeps which organization has `slug`; whoever finds it has it confirmed.
    pub(crate) fn note_slug(&self, slug: &Slug, organization: OrganizationId) {
        if self.slugs.get(slug) != Some(organization) {
            self.slugs.insert(slug.clone(), organization);
        }
    }
}
