//! The rows of the store: what each one holds, and under which key.
//!
//! A row is its fields in the order in which they stand here, without names. So a field is never removed or moved; a new
//! one goes to the end of a row and bears `#[serde(default)]`: see [`format`] for what versions may do to each other.

pub(crate) mod details;
mod format;
pub(crate) mod keys;
pub(crate) mod shards;
pub(crate) mod words;

pub(crate) use format::{Nested, decode, encode, encode_over};

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::{
    address::{Address, NormalAddress},
    caller::Principal,
    clock::Timestamp,
    error::{Error, ErrorKind},
    ids::{InvitationId, JoinCodeId, OrganizationId, UserId, WorkspaceId},
    limits,
    mailer::Delivery,
    rate_limit::RateLimit,
    role::RoleName,
    secret::{Hashed, TokenKey},
    slug::Slug,
    store::Key,
};

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
    /// What its users issued and nobody has ended, numbered by the maker; see `operations/issued.rs`.
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

/// Tells one try to write index entries from all others; see `entry.rs`. Seconds since 1970 above, randomness below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Intent(pub(crate) u64);

/// An organization, as far as it is read by whatever happens in it. What it tells of itself is a [`ProfileRow`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationRow {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) slug: Slug,
    pub(crate) slug_intent: Intent,
    /// In the order in which they became owners.
    pub(crate) owners: Vec<UserId>,
    pub(crate) status: Status,
    pub(crate) status_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Grows with each change of the profile as well.
    pub(crate) version: u64,
    /// The entry by name in the search index.
    #[serde(default)]
    pub(crate) name_intent: Intent,
    /// The entry by the time of creation in the search index.
    #[serde(default)]
    pub(crate) created_intent: Intent,
}

impl OrganizationRow {
    /// The organization is in use.
    pub(crate) fn require_active(&self) -> Result<(), Error> {
        match self.status {
            Status::Active => Ok(()),
            Status::Inactive | Status::Suspended => {
                Err(Error::new(ErrorKind::OrganizationSuspended, "the organization is not active: ask its operator"))
            }
        }
    }
}

/// What is left of an organization that was deleted, until everything of it is removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GoneRow {
    /// As it was in the end.
    pub(crate) organization: Nested<OrganizationRow>,
    #[serde(with = "words::principal")]
    pub(crate) by: Principal,
    pub(crate) at: Timestamp,
}

/// An organization, whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WholeOrganization {
    pub(crate) row: OrganizationRow,
    pub(crate) profile: ProfileRow,
}

impl WholeOrganization {
    /// From the values of [`keys::organization`] and [`keys::profile`].
    pub(crate) fn read(row: Option<&[u8]>, profile: Option<&[u8]>) -> Result<Option<Self>, Error> {
        let Some(row) = row else { return Ok(None) };
        Self::with(decode(row)?, profile).map(Some)
    }

    /// The row, and the value of [`keys::profile`].
    pub(crate) fn with(row: OrganizationRow, profile: Option<&[u8]>) -> Result<Self, Error> {
        let profile = profile.map(decode).transpose()?.unwrap_or_default();
        Ok(Self { row, profile })
    }
}

/// What an organization tells of itself. One that tells nothing has no such row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProfileRow {
    pub(crate) description: String,
    pub(crate) avatar_url: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) country_code: String,
    pub(crate) country: String,
    pub(crate) state: String,
    pub(crate) city: String,
    pub(crate) address: String,
    pub(crate) timezone: String,
    pub(crate) email: String,
    /// A JSON object as text; empty for `{}`.
    pub(crate) metadata: String,
}

/// Whether an organization may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In use.
    Active,
    /// Put aside.
    Inactive,
    /// Closed by the platform.
    Suspended,
}

impl Status {
    /// The status as the wire spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    #[serde(with = "words::roles")]
    pub(crate) roles: Vec<RoleName>,
    pub(crate) email: Option<Address>,
    pub(crate) username: Option<Address>,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) joined_at: Timestamp,
    /// The entry in the user's shard that tells of this membership.
    pub(crate) intent: Intent,
    /// The entry in the user's shard that counts this organization among those that they own.
    #[serde(default)]
    pub(crate) owned: Option<Intent>,
    /// Each once. One that was deleted may still be among them; see `operations/workspaces`.
    #[serde(default)]
    pub(crate) workspaces: Vec<WorkspaceId>,
    /// When the profile was last written; `None`: when they joined. See `operations/members/profile.rs`.
    #[serde(default)]
    pub(crate) profile_at: Option<Timestamp>,
}

/// Who is at an address, seen from one organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AddressRow {
    /// Usually one; an identity provider may vouch for the same address to several users.
    pub(crate) members: Vec<UserId>,
    pub(crate) invitation: Option<InvitationId>,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationRow {
    pub(crate) number: u64,
    pub(crate) address: Address,
    pub(crate) name: Option<String>,
    #[serde(with = "words::roles")]
    pub(crate) roles: Vec<RoleName>,
    pub(crate) secret: Hashed,
    pub(crate) state: InvitationState,
    #[serde(with = "words::principal")]
    pub(crate) invited_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The entry in the address's list that tells of this invitation.
    #[serde(default)]
    pub(crate) intent: Intent,
    /// How it is mailed; `None`: not at all.
    #[serde(default)]
    pub(crate) mailing: Option<Nested<MailingRow>>,
}

impl InvitationRow {
    /// Whether the token with this hash is the invitation's: the one that was answered, or one that was mailed.
    pub(crate) fn is_opened_by(&self, token: &Hashed) -> bool {
        let mut mailed = self.mailing.iter().flat_map(|mailing| &mailing.tokens);
        self.secret == *token || mailed.any(|hashed| hashed == token)
    }
}

/// How an invitation is mailed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MailingRow {
    /// The try that made the invitation, or resent it: a job of an earlier one has nothing left to do.
    pub(crate) sending: Intent,
    /// `None`: the host has no way to reach whom it is for.
    pub(crate) delivery: Option<Delivery>,
    /// What was mailed, the newest last. Written before the mail goes out: whatever arrives works.
    pub(crate) tokens: Vec<Hashed>,
    /// The mailer refused it for good.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InvitationState {
    Open,
    Accepted,
    Revoked,
    /// It has made way for another to the same address.
    Expired,
    /// Whom it was addressed to does not want it.
    Declined,
    /// Whom it was addressed to has become a member by another way.
    Superseded,
}

/// A join code. How often it was used is a counter of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JoinCodeRow {
    #[serde(with = "words::role")]
    pub(crate) role: RoleName,
    pub(crate) max_uses: Option<u32>,
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(with = "words::principal")]
    pub(crate) created_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) hint: String,
    /// The code itself: it leads to the entry in its own shard.
    #[serde(default)]
    pub(crate) code: Option<Hashed>,
}

/// An API token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    pub(crate) name: Option<String>,
    pub(crate) secret: Hashed,
    pub(crate) last_four: String,
    pub(crate) permissions: Vec<String>,
    #[serde(with = "words::principal")]
    pub(crate) created_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    /// The secret before the present one, if it works for a while yet, or did.
    #[serde(default)]
    pub(crate) previous: Option<PreviousSecretRow>,
    #[serde(default)]
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The secret of an API token that another one has replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviousSecretRow {
    pub(crate) secret: Hashed,
    pub(crate) last_four: String,
    /// From then on it works no more.
    pub(crate) valid_until: Timestamp,
}

impl TokenRow {
    /// The secret before the present one, if it works still.
    pub(crate) fn overlapping(&self, now: Timestamp) -> Option<&PreviousSecretRow> {
        self.previous.as_ref().filter(|previous| previous.valid_until > now)
    }
}

/// When an API token was last used, by whichever secret, and by each of those that it has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsedRow {
    pub(crate) last: Option<Timestamp>,
    pub(crate) secrets: Vec<(Hashed, Timestamp)>,
}

impl UsedRow {
    /// When it was last used by that secret.
    pub(crate) fn by(&self, secret: &Hashed) -> Option<Timestamp> {
        self.secrets.iter().find(|(used, _)| used == secret).map(|(_, at)| *at)
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkspaceRow {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The roles that an organization defined for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RolesRow {
    /// In the order of their numbers.
    pub(crate) own: Vec<OwnRoleRow>,
    /// The last number that was given; none is given twice.
    pub(crate) numbers_given: u64,
}

/// A role of an organization's own. How many bear its name is a counter of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnRoleRow {
    pub(crate) number: u64,
    pub(crate) name: RoleName,
    pub(crate) permissions: Vec<String>,
    pub(crate) description: String,
    /// The role was deleted, and whoever still bears its name has this one.
    pub(crate) replaced_by: Option<RoleName>,
    pub(crate) created_at: Timestamp,
}

/// The answer that an idempotency key got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IdempotencyRow {
    /// Of the operation's name and input.
    pub(crate) payload: Hashed,
    pub(crate) at: Timestamp,
    pub(crate) nonce: [u8; 12],
    /// The answer as JSON, encrypted under a key that only the idempotency key yields.
    pub(crate) sealed: Vec<u8>,
}

/// In a slug's shard: which organization claims it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlugClaimRow {
    pub(crate) organization: OrganizationId,
    pub(crate) intent: Intent,
}

/// In a join code's shard: where the code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JoinCodeEntryRow {
    pub(crate) organization: OrganizationId,
    pub(crate) code: JoinCodeId,
    pub(crate) intent: Intent,
}

/// In an address's shard: where an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvitationEntryRow {
    pub(crate) organization: OrganizationId,
    pub(crate) intent: Intent,
}

/// In a user's shard: how many wrong join codes they tried, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttemptsRow {
    pub(crate) since: Timestamp,
    pub(crate) count: u32,
}

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
