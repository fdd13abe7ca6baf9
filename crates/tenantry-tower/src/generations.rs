//! What has changed since an answer was read: the memory of change notices.
//!
//! 1. Notices are numbered as they arrive. Each subject (an organization, a member, a user, an API token) has a
//!    stripe, which holds the number of the last notice about it. Subjects share stripes by chance; that makes an
//!    answer forgotten too early, never too late.
//! 2. An answer remembers the last number before its read, and its subjects' stripes. It is fresh while none of them
//!    holds a greater number. So a notice that comes during the read is enough to make the answer stale. Each check that
//!    finds it fresh moves its number up to the latest notice, so that the next check compares one number.
//! 3. While the link is lost nothing is fresh, and nothing of before is when it is back.
//! 4. The store proves again and again that notices arrive. Nothing is fresh once the last proof is too old: whoever
//!    looks compares the time, so that it does not matter who was late to tell (a link that is frozen, or this process).
//!
//! Whoever hears a notice writes, one at a time; everyone reads, and waits for nobody.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use tenantry_core::{
    engine::Observer,
    store::{
        Changes,
        change::{Change, Signal},
    },
    values::{
        clock::{Clock, SystemClock, Timestamp},
        ids::{OrganizationId, UserId},
        token_key::TokenKey,
    },
};

use tokio::sync::watch;

use crate::keyed_hash::KeyedHash;

const STRIPES: u16 = 1 << 14;

/// On what an answer depends, beside the credential itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subjects {
    first: u16,
    second: u16,
}

/// The number of the last notice that was known at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoticeNumber(u64);

/// Up to which notice an answer is known to be so, and what it depends on.
///
/// The number rises with each look, so that while no notice comes nobody looks at a stripe: two cache lines less.
#[derive(Debug)]
pub(crate) struct Freshness {
    as_of: AtomicU64,
    subjects: Subjects,
}

impl Freshness {
    pub(crate) fn new(as_of: NoticeNumber, subjects: Subjects) -> Self {
        Self { as_of: AtomicU64::new(as_of.0), subjects }
    }
}

/// When a read began: by the notices that were known then, by the calendar, and by the time that passes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) as_of: NoticeNumber,
    pub(crate) at: Timestamp,
    pub(crate) elapsed: Duration,
}

pub(crate) struct Generations {
    keyed: KeyedHash,
    stripes: Box<[AtomicU64]>,
    /// The number of the last notice of all. Written after its stripe: who sees the number sees the stripe too.
    latest: AtomicU64,
    /// The number at which everything before became stale.
    reset: AtomicU64,
    linked: AtomicBool,
    clock: Arc<dyn Clock>,
    /// How old a proof may be.
    max_staleness: Duration,
    /// Until when the last proof holds, in milliseconds of [`Clock::elapsed`]; for ever where the store gives none.
    believed_until: AtomicU64,
    /// Wakes whoever waits for the next notice.
    heard: watch::Sender<()>,
    /// One notice at a time: the listener's, or one of a change that was made here.
    hearing: Mutex<()>,
}

impl Generations {
    pub(crate) fn new(keyed: KeyedHash, clock: Arc<dyn Clock>, max_staleness: Duration) -> Self {
        Self {
            keyed,
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            latest: AtomicU64::new(0),
            reset: AtomicU64::new(0),
            linked: AtomicBool::new(false),
            clock,
            max_staleness,
            believed_until: AtomicU64::new(u64::MAX),
            heard: watch::Sender::new(()),
            hearing: Mutex::default(),
        }
    }

    /// Tells of every notice from now on, except those that only prove that the link is there.
    pub(crate) fn heard(&self) -> watch::Receiver<()> {
        self.heard.subscribe()
    }

    pub(crate) fn keyed(&self) -> &KeyedHash {
        &self.keyed
    }

    pub(crate) fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// Whether the store's last proof that notices arrive is too old at `now`; never where the store gives none.
    pub(crate) fn is_proof_too_old(&self, now: Duration) -> bool {
        millis(now) >= self.believed_until.load(Ordering::Acquire)
    }

    /// What the answer depends on of a caller about whom no notice tells but those of their organization.
    pub(crate) fn organization_alone(&self, organization: OrganizationId) -> Subjects {
        let organization = self.organization(organization);
        Subjects { first: organization, second: organization }
    }

    /// What a member's answer depends on.
    pub(crate) fn member(&self, organization: OrganizationId, user: &UserId) -> Subjects {
        Subjects { first: self.organization(organization), second: self.stripe(('m', organization, user)) }
    }

    /// What the answer depends on that `organization` is a user's only one.
    pub(crate) fn only(&self, organization: OrganizationId, user: &UserId) -> Subjects {
        Subjects { first: self.organization(organization), second: self.stripe(('u', user)) }
    }

    /// What the answer depends on that a user has none or several.
    pub(crate) fn user(&self, user: &UserId) -> Subjects {
        let user = self.stripe(('u', user));
        Subjects { first: user, second: user }
    }

    /// What an API token's answer depends on.
    pub(crate) fn token(&self, key: &TokenKey) -> Subjects {
        Subjects { first: self.organization(key.organization()), second: self.stripe(('t', key)) }
    }

    fn organization(&self, organization: OrganizationId) -> u16 {
        self.stripe(('o', organization))
    }

    fn stripe(&self, subject: impl std::hash::Hash) -> u16 {
        let [low, high, ..] = self.keyed.short(subject).to_le_bytes();
        u16::from_le_bytes([low, high]) % STRIPES
    }

    /// Whether notices arrive, as far as it is known at `now`, by the time that passes.
    pub(crate) fn linked(&self, now: Duration) -> bool {
        self.linked.load(Ordering::Acquire) && millis(now) < self.believed_until.load(Ordering::Acquire)
    }

    /// To be asked before a read.
    pub(crate) fn now(&self) -> NoticeNumber {
        NoticeNumber(self.latest.load(Ordering::Acquire))
    }

    /// Whether nothing that an answer depends on has changed since.
    pub(crate) fn is_fresh(&self, as_of: NoticeNumber, subjects: Subjects, now: Duration) -> bool {
        let since = |number: &AtomicU64| number.load(Ordering::Acquire) > as_of.0;
        let changed = |stripe: u16| self.stripes.get(usize::from(stripe)).is_none_or(since);
        self.linked(now) && !since(&self.reset) && !changed(subjects.first) && !changed(subjects.second)
    }

    /// Whether nothing that an answer depends on has changed since it was last found to be so, and if that is so, it was
    /// found to be so now.
    pub(crate) fn renew(&self, freshness: &Freshness, now: Duration) -> bool {
        let NoticeNumber(latest) = self.now();
        let as_of = freshness.as_of.load(Ordering::Relaxed);
        if as_of == latest {
            return self.linked(now);
        }
        let fresh = self.is_fresh(NoticeNumber(as_of), freshness.subjects, now);
        if fresh {
            // What was heard until then was looked at: the stripe of each notice is written before its number.
            freshness.as_of.fetch_max(latest, Ordering::Relaxed);
        }
        fresh
    }

    /// Takes note of one signal.
    pub(crate) fn hear(&self, signal: &Signal) {
        if let Signal::Proven(at) = signal {
            // The engine's clock need not be the system's, by which the store tells when.
            let age = SystemClock.elapsed().saturating_sub(*at);
            let proven = self.clock.elapsed().saturating_sub(age);
            self.believed_until.store(millis(proven + self.max_staleness), Ordering::Release);
            return;
        }
        let _hearing = self.hearing.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.latest.load(Ordering::Relaxed) + 1;
        let bump = |stripe: u16| {
            if let Some(stripe) = self.stripes.get(usize::from(stripe)) {
                stripe.store(number, Ordering::Release);
            }
        };
        match signal {
            Signal::Changed(Change::Organization(organization)) => bump(self.organization(*organization)),
            Signal::Changed(Change::Member(organization, user)) => {
                bump(self.stripe(('m', *organization, user)));
                bump(self.stripe(('u', user)));
            }
            Signal::Changed(Change::Token(key)) => bump(self.stripe(('t', key))),
            Signal::LinkLost => {
                self.linked.store(false, Ordering::Release);
                self.reset.store(number, Ordering::Release);
            }
            // A notice of a kind that is not known here may mean anything, as may those missed before LinkBack.
            Signal::LinkBack | Signal::Changed(_) | Signal::Proven(_) => self.reset.store(number, Ordering::Release),
        }
        self.latest.store(number, Ordering::Release);
        if *signal == Signal::LinkBack {
            self.linked.store(true, Ordering::Release);
        }
        self.heard.send_replace(());
    }

    /// Takes note of all signals, until there are no more.
    pub(crate) async fn listen(&self, mut changes: Changes) {
        while let Some(signal) = changes.next().await {
            match signal {
                Signal::LinkLost => tracing::warn!("change notices may be missing: every request asks the store"),
                Signal::LinkBack => tracing::info!("change notices arrive: answers are remembered"),
                Signal::Changed(_) | Signal::Proven(_) => {}
            }
            self.hear(&signal);
        }
        self.hear(&Signal::LinkLost);
        tracing::warn!("there are no more change notices: every request asks the store");
    }
}

/// A change that is made on this node makes answers stale before it is acknowledged: its notice takes a moment longer.
impl Observer for Generations {
    fn changed(&self, change: &Change) {
        self.hear(&Signal::Changed(change.clone()));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tenantry_core::values::{clock::SystemClock, entropy::SystemEntropy};

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn linked() -> Generations {
        let generations = unlinked();
        generations.hear(&Signal::LinkBack);
        generations
    }

    fn unlinked() -> Generations {
        Generations::new(KeyedHash::new(&SystemEntropy).unwrap(), Arc::new(SystemClock), Duration::from_secs(2))
    }

    #[test]
    fn a_notice_makes_what_was_read_before_it_stale() {
        let generations = linked();
        let organization = OrganizationId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let ann = UserId::new("ann").unwrap();
        let (member, only) = (generations.member(organization, &ann), generations.only(organization, &ann));
        let before = generations.now();
        assert!(generations.is_fresh(before, member, NOW));
        generations.hear(&Signal::Changed(Change::Member(organization, ann)));
        assert!(!generations.is_fresh(before, member, NOW) && !generations.is_fresh(before, only, NOW));
        let after = generations.now();
        assert!(generations.is_fresh(after, member, NOW));
        generations.hear(&Signal::Changed(Change::Organization(organization)));
        assert!(!generations.is_fresh(after, member, NOW) && !generations.is_fresh(after, only, NOW));
    }

    #[test]
    fn what_is_found_fresh_again_and_again_is_stale_at_the_next_notice() {
        let generations = linked();
        let organization = OrganizationId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let ann = UserId::new("ann").unwrap();
        let subjects = generations.member(organization, &ann);
        // One who shares no stripe with her.
        let apart = |bob: &UserId| {
            let stripes = [generations.member(organization, bob).second, generations.user(bob).second];
            !stripes.contains(&subjects.first) && !stripes.contains(&subjects.second)
        };
        let bob = (0..1000).map(|number| UserId::new(format!("bob-{number}")).unwrap()).find(apart).unwrap();
        let freshness = Freshness::new(generations.now(), subjects);
        for _ in 0..3 {
            assert!(generations.renew(&freshness, NOW));
            generations.hear(&Signal::Changed(Change::Member(organization, bob.clone())));
        }
        let known =
            |generations: &Generations| NoticeNumber(freshness.as_of.load(Ordering::SeqCst)) == generations.now();
        assert!(!known(&generations));
        assert!(generations.renew(&freshness, NOW) && known(&generations));
        generations.hear(&Signal::Changed(Change::Member(organization, ann)));
        assert!(!generations.renew(&freshness, NOW) && !known(&generations));
        generations.hear(&Signal::Changed(Change::Member(organization, bob)));
        assert!(!generations.renew(&freshness, NOW), "once stale, always stale");
    }

    #[test]
    fn what_was_found_fresh_just_now_is_stale_when_the_link_is_lost() {
        let generations = linked();
        let freshness = Freshness::new(generations.now(), generations.user(&UserId::new("ann").unwrap()));
        assert!(generations.renew(&freshness, NOW));
        generations.hear(&Signal::LinkLost);
        assert!(!generations.renew(&freshness, NOW));
        generations.hear(&Signal::LinkBack);
        assert!(!generations.renew(&freshness, NOW));
    }

    #[test]
    fn a_proof_that_is_too_old_proves_nothing() {
        let generations = linked();
        let now = SystemClock.elapsed() + Duration::from_secs(3600);
        assert!(generations.linked(now), "a store that gives no proofs needs none");
        generations.hear(&Signal::Proven(SystemClock.elapsed()));
        assert!(generations.linked(SystemClock.elapsed()) && !generations.linked(now));
        generations.hear(&Signal::Proven(Duration::ZERO));
        assert!(!generations.linked(Duration::from_secs(2)));
    }

    #[test]
    fn nothing_is_fresh_without_a_link() {
        let generations = unlinked();
        let user = generations.user(&UserId::new("ann").unwrap());
        assert!(!generations.is_fresh(generations.now(), user, NOW));
        generations.hear(&Signal::LinkBack);
        let first = generations.now();
        assert!(generations.is_fresh(first, user, NOW));
        generations.hear(&Signal::LinkLost);
        let between = generations.now();
        assert!(!generations.is_fresh(between, user, NOW));
        generations.hear(&Signal::LinkBack);
        assert!(!generations.is_fresh(first, user, NOW) && !generations.is_fresh(between, user, NOW));
        assert!(generations.is_fresh(generations.now(), user, NOW));
    }
}
