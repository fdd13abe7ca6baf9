//! Differences between stored rows and the registry.
//!
//! A host changes its registry with a deployment, while rows keep what organizations decided before. No name changes
//! its meaning by that, but the host should know. The log has one line for each difference at its first occurrence in a
//! process (a `WARN` that says what to do), and
//! [`Registry::discrepancies`](crate::access::registry::Registry::discrepancies) has all that occurred, at most
//! [`limits::DISCREPANCIES_MAX`].

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::values::{ids::OrganizationId, limits, role::RoleName};

/// A difference between a row and the registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Discrepancy {
    /// An organization has a role of its own by the name of one that the host registered. There the name means the
    /// organization's role, and the host's is called `host.<name>`.
    RoleShadowed {
        /// The organization.
        organization: OrganizationId,
        /// The name, plain.
        role: RoleName,
    },
    /// Somebody was given a role of the host that is neither registered nor retired: it grants nothing.
    RoleUnknown {
        /// The role, as `host.<name>`.
        role: RoleName,
    },
    /// An organization's own role or an API token was given a permission that is neither registered nor retired: it
    /// grants nothing.
    PermissionUnknown {
        /// The permission.
        permission: String,
    },
}

/// The discrepancies that have occurred in this process.
#[derive(Debug, Default)]
pub(crate) struct Discrepancies(Mutex<BTreeSet<Discrepancy>>);

impl Discrepancies {
    pub(crate) fn note(&self, discrepancy: Discrepancy) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= limits::DISCREPANCIES_MAX || found.contains(&discrepancy) {
            return;
        }
        discrepancy.warn();
        found.insert(discrepancy);
        if found.len() == limits::DISCREPANCIES_MAX {
            tracing::warn!("more that is at odds with the registry is not told any more");
        }
    }

    pub(crate) fn found(&self) -> Vec<Discrepancy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Discrepancy {
    fn warn(&self) {
        match self {
            Self::RoleShadowed { organization, role } => tracing::warn!(
                %organization, %role,
                "the organization has a role of its own by the name of a registered one, and keeps it: \
                 there the registered one is called host.{role}"
            ),
            Self::RoleUnknown { role } => tracing::warn!(
                %role,
                "somebody has a role that is not registered, and it grants nothing: register it again if they are to \
                 have it, or call retired_role so that nobody registers the name again by accident"
            ),
            Self::PermissionUnknown { permission } => tracing::warn!(
                %permission,
                "a role or an API token has a permission that is not registered, and it grants nothing: register it \
                 again if it is to count, or call retired_permission so that nobody registers the name again by accident"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_discrepancy_is_kept_once_and_their_number_is_bounded() {
        let discrepancies = Discrepancies::default();
        for number in (0..limits::DISCREPANCIES_MAX + 9).flat_map(|number| [number, number]) {
            discrepancies.note(Discrepancy::PermissionUnknown { permission: format!("a{number}:b") });
        }
        assert_eq!(discrepancies.found().len(), limits::DISCREPANCIES_MAX);
    }
}
