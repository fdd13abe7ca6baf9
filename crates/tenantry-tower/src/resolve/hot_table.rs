//! A small table in front of the cache: where nearly every known answer is found.
//!
//! A hit in moka touches some fifteen cache lines (its table, the entry, its times, the sketch of frequencies, the
//! queues), which for a thousand credentials are no more in the core's own cache: that is most of what a known answer
//! costs. Here it is the slot and the answer itself. What it paid stands in BENCHMARKS.md.
//!
//! Each key has one slot, and the latest answer takes it; what it takes the place of is still in moka. Nothing is ever
//! looked for here alone, and whoever finds something checks it as they check what moka has.

use arc_swap::ArcSwapOption;

use crate::{
    answer::tenant::{Tenant, TenantInner},
    limits,
};

pub(crate) struct HotTable {
    /// A power of two.
    slots: Box<[ArcSwapOption<TenantInner>]>,
}

impl HotTable {
    /// For so many answers.
    pub(crate) fn new(capacity: u64) -> Self {
        let slots = usize::try_from(capacity)
            .unwrap_or(limits::HOT_SLOTS_MAX)
            .clamp(1, limits::HOT_SLOTS_MAX)
            .next_power_of_two();
        Self { slots: (0..slots).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// The tenant that was found for what has this keyed hash, if it is still here.
    pub(crate) fn get(&self, key: u128, is_true: impl FnOnce(&TenantInner) -> bool) -> Option<Tenant> {
        let kept = self.slot(key)?.load();
        let inside = kept.as_ref().filter(|inside| inside.key == key && is_true(inside))?;
        Some(Tenant(inside.clone()))
    }

    pub(crate) fn put(&self, tenant: &Tenant) {
        if let Some(slot) = self.slot(tenant.0.key) {
            slot.store(Some(tenant.0.clone()));
        }
    }

    fn slot(&self, key: u128) -> Option<&ArcSwapOption<TenantInner>> {
        // The upper half: moka's table goes by the lower one.
        #[expect(clippy::cast_possible_truncation, reason = "any part of a hash will do")]
        self.slots.get((key >> 64) as usize & (self.slots.len() - 1))
    }
}
