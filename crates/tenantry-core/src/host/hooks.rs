//! What a host is told of, so that it can follow suit: revoke a seat at its billing, say, or greet somebody.
//!
//! # What is promised
//! 1. A hook is called for every change that was committed on a node whose [`Host`](crate::host::Host) has hooks, and
//!    for none that was not: what is to be told is written in the same commit as the change. So give all nodes hooks,
//!    or none.
//! 2. It is called **at least once**, also when a node dies in between; by any node that has hooks. While it fails,
//!    takes longer than [`limits::JOB_TIMEOUT`](crate::values::limits::JOB_TIMEOUT) or panics, it is called again, with pauses
//!    that grow to [`limits::JOB_RETRY_MAX`](crate::values::limits::JOB_RETRY_MAX).
//! 3. It may be called more than once for one event, even at the same time: keep [`MemberEvent::id`], which is the
//!    same each time, and do nothing at the second.
//! 4. Events arrive in no particular order, but for the deletion of an organization, which is told when all else of it
//!    was told. Look at what is so now, if it matters.

use async_trait::async_trait;

use crate::values::{
    clock::Timestamp,
    ids::{OrganizationId, UserId},
    role::RoleName,
};

/// Why a hook failed; it is logged, and the hook is called again.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// What a host does after changes. See the [module](self) for what is promised.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// A user became a member: by creating the organization, an invitation or a join code.
    ///
    /// # Errors
    /// Whatever it answers, it is called again.
    async fn member_joined(&self, event: &MemberEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }

    /// An organization was deleted, and everything of it is removed from Tenantry: now the host removes what it keeps
    /// for it. This is the last that is told of an organization; its members are not told of one by one.
    ///
    /// # Errors
    /// Whatever it answers, it is called again.
    async fn organization_deleted(&self, event: &OrganizationEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }

    /// A member is one no more: they left, or were removed.
    ///
    /// # Errors
    /// Whatever it answers, it is called again.
    async fn member_removed(&self, event: &MemberEvent) -> Result<(), HookError> {
        let _ = event;
        Ok(())
    }
}

/// An organization was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationEvent {
    /// Names the event: the same whenever it is told, and that of no other event.
    pub id: String,
    /// When it was deleted.
    pub at: Timestamp,
    /// Which organization.
    pub organization: OrganizationId,
    /// Its last name.
    pub name: String,
    /// Its last slug. Another organization may have it by now.
    pub slug: String,
}

/// Something happened to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberEvent {
    /// Names the event: the same whenever it is told, and that of no other event.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// In which organization.
    pub organization: OrganizationId,
    /// To whom.
    pub user: UserId,
    /// The roles that the member got, or had in the end.
    pub roles: Vec<RoleName>,
}
