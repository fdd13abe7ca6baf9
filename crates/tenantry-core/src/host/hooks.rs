//! Tells the host of changes, so that it can act on them: give back a seat at its billing, say, or greet somebody.
//!
//! # What is promised
//! 1. A hook is called for every change that was committed on a node whose [`Host`](crate::host::Host) has hooks, and
//!    for no other: the same commit that makes the change also makes a job of the call. So give all nodes hooks, or
//!    none.
//! 2. It is called **at least once**, even if a node dies in between, by any node that has hooks. While it fails, takes
//!    longer than [`limits::JOB_TIMEOUT`](crate::values::limits::JOB_TIMEOUT) or panics, it is called again, with
//!    pauses that grow to [`limits::JOB_RETRY_MAX`](crate::values::limits::JOB_RETRY_MAX).
//! 3. It may be called more than once for one event, even at the same time. [`MemberEvent::id`] is the same each time:
//!    store it, and ignore an event whose id is stored already.
//! 4. Events arrive in no particular order, except that the deletion of an organization comes after all other events of
//!    it. If it matters, look up the present state.

use async_trait::async_trait;

use crate::values::{
    clock::Timestamp,
    ids::{OrganizationId, UserId},
    role::RoleName,
};

/// Why a hook failed; it is logged, and the hook is called again.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// The hooks of a host. See the [module](self) for what is promised.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// A user became a member: by creating the organization, or by an invitation or a join code.
    ///
    /// # Errors
    /// After any error, the hook is called again.
    async fn member_joined(&self, event: &MemberEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }

    /// An organization was deleted, and everything of it is removed from Tenantry: now the host removes what it keeps
    /// for it. This is the last event of an organization. There is no event for each member whom it had when it was
    /// deleted.
    ///
    /// # Errors
    /// After any error, the hook is called again.
    async fn organization_deleted(&self, event: &OrganizationEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }

    /// A user is no longer a member: they left, or were removed.
    ///
    /// # Errors
    /// After any error, the hook is called again.
    async fn member_removed(&self, event: &MemberEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }
}

/// An organization was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationEvent {
    /// Identifies the event: the same at every call for it, and different from that of any other event.
    pub id: String,
    /// When it was deleted.
    pub at: Timestamp,
    /// The organization's id.
    pub organization: OrganizationId,
    /// The name that it had when it was deleted.
    pub name: String,
    /// The slug that it had when it was deleted. Another organization may have it by now.
    pub slug: String,
}

/// Something happened to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberEvent {
    /// Identifies the event: the same at every call for it, and different from that of any other event.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The organization.
    pub organization: OrganizationId,
    /// The user who joined or was removed.
    pub user: UserId,
    /// The roles that the user got when they joined, or had when they were removed.
    pub roles: Vec<RoleName>,
}
