//! The rows of the store: what each one holds, and under which key.
//!
//! A row is stored as the values of its fields, in the order in which the fields are declared here, without names. So a
//! field is never removed or moved, and a new one goes to the end of a row with `#[serde(default)]`: see [`format`] for
//! what versions may change.

mod api_token;
pub(crate) mod details;
mod format;
mod idempotency;
mod invitation;
mod job;
mod join_code;
pub(crate) mod keys;
mod member;
mod organization;
mod roles;
pub(crate) mod shards;
pub(crate) mod words;
mod workspace;

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::{
    store::Key,
    values::{
        address::NormalAddress,
        ids::{InvitationId, JoinCodeId, OrganizationId, UserId, WorkspaceId},
        limits,
        slug::Slug,
        token_key::TokenKey,
    },
};

pub use self::organization::Status;
pub(crate) use self::{
    api_token::{PreviousSecretRow, TokenRow, UsedRow},
    idempotency::IdempotencyRow,
    invitation::{InvitationEntryRow, InvitationRow, InvitationState, MailingRow},
    job::{JobId, JobRow, Work},
    join_code::{AttemptsRow, JoinCodeEntryRow, JoinCodeRow},
    member::{AddressRow, MemberRow},
    organization::{GoneRow, OrganizationRow, ProfileRow, SlugClaimRow, WholeOrganization},
    roles::{OwnRoleRow, RolesRow},
    workspace::WorkspaceRow,
};
pub(crate) use format::{Nested, decode, encode, encode_over};

/// The log of an organization's shard that holds its audit events.
pub(crate) const AUDIT: &str = "audit";

/// Indexes of an organization's shard.
pub(crate) mod index {
    use crate::store::Index;

    /// Its members, by user id.
    pub(crate) const MEMBERS: Index = Index::new("members", 1);
    /// Its open invitations, by id.
    pub(crate) const INVITATIONS: Index = Index::new("invitations", 2);
    /// Its join codes, by id.
    pub(crate) const JOIN_CODES: Index = Index::new("join-codes", 3);
    /// Its API tokens.
    pub(crate) const TOKENS: Index = Index::new("tokens", 4);
    /// Open invitations, join codes and API tokens that its users issued, numbered by a hash of the issuer's id; see
    /// `operations/issued.rs`.
    pub(crate) const ISSUED: Index = Index::new("issued", 6);
    /// Its workspaces, by id.
    pub(crate) const WORKSPACES: Index = Index::new("workspaces", 5);
    /// Its jobs, by id.
    pub(crate) const JOBS: Index = Index::new("jobs", 7);
    /// In the platform's shard: the counter of all organizations.
    pub(crate) const ALL: Index = Index::new("organizations", 8);
    /// In a user's shard, sorted: the organizations that they belong to.
    pub(crate) const ORGANIZATIONS: &str = "organizations";
    /// In a bucket of the platform, sorted: jobs of all organizations.
    pub(crate) const ALL_JOBS: &str = "jobs";
    /// In a user's shard, sorted: the organizations that they own.
    pub(crate) const OWNED: &str = "owned";
    /// In an address's shard, sorted: the open invitations to it, of all organizations.
    pub(crate) const INVITED: &str = "invited";
    /// In a bucket of the search index, sorted: organizations by name.
    pub(crate) const NAMES: &str = "names";
    /// In a bucket of the search index, sorted: organizations by the time of their creation.
    pub(crate) const CREATIONS: &str = "creations";
}

/// The unique name of an attempt to write index entries; see `engine/entry.rs`. The upper 32 bits are seconds since
/// 1970, the lower 32 are random.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Intent(pub(crate) u64);

/// The key of a row that holds a `T`.
#[derive(Debug, Clone)]
pub(crate) struct RowKey<T> {
    pub(crate) key: Key,
    row: PhantomData<fn() -> T>,
}

impl<T> RowKey<T> {
    fn lasting(name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { key: Key::lasting(name), row: PhantomData }
    }

    fn passing(name: String, lifetime: std::time::Duration) -> Self {
        Self { key: Key::passing(name, lifetime), row: PhantomData }
    }
}
