//! The keys of all rows, in one place.

use super::{
    AddressRow, AttemptsRow, GoneRow, IdempotencyRow, InvitationEntryRow, InvitationId, InvitationRow,
    JoinCodeEntryRow, JoinCodeId, JoinCodeRow, Key, MemberRow, NormalAddress, OrganizationId, OrganizationRow,
    ProfileRow, RolesRow, RowKey, Slug, SlugClaimRow, TokenKey, TokenRow, UsedRow, UserId, WorkspaceId, WorkspaceRow,
    limits,
};
use crate::{
    rows::{JobId, JobRow},
    secret::Hashed,
};

pub(crate) fn organization() -> RowKey<OrganizationRow> {
    RowKey::lasting("o")
}
pub(crate) fn profile() -> RowKey<ProfileRow> {
    RowKey::lasting("p")
}
/// Replaces the organization's row once the organization is deleted.
pub(crate) fn gone() -> RowKey<GoneRow> {
    RowKey::lasting("gone")
}
/// The roles that the organization defined for itself.
pub(crate) fn roles() -> RowKey<RolesRow> {
    RowKey::lasting("r")
}
/// A counter: how many members, open invitations and join codes bear the name of that role.
pub(crate) fn role_holders(number: u64) -> Key {
    Key::lasting(format!("rh/{number}"))
}
pub(crate) fn member(user: &UserId) -> RowKey<MemberRow> {
    RowKey::lasting(format!("m/{user}"))
}
pub(crate) fn address(address: &NormalAddress) -> RowKey<AddressRow> {
    RowKey::lasting(format!("a/{}", address.as_str()))
}
pub(crate) fn invitation(id: InvitationId) -> RowKey<InvitationRow> {
    RowKey::lasting(format!("i/{}", id.to_base62()))
}
/// An invitation that was answered, withdrawn or replaced.
pub(crate) fn closed_invitation(id: InvitationId) -> RowKey<InvitationRow> {
    RowKey::passing(format!("ic/{}", id.to_base62()), limits::CLOSED_INVITATION_LIFETIME)
}
pub(crate) fn join_code(id: JoinCodeId) -> RowKey<JoinCodeRow> {
    RowKey::lasting(format!("c/{}", id.to_base62()))
}
/// A counter: how often the code was used.
pub(crate) fn join_code_uses(id: JoinCodeId) -> Key {
    Key::lasting(format!("cu/{}", id.to_base62()))
}
pub(crate) fn token(key: &TokenKey) -> RowKey<TokenRow> {
    RowKey::lasting(format!("t/{}", key.short()))
}
/// Holds another value each time that the user issues something; see `operations/issued.rs`.
pub(crate) fn issued(user: &UserId) -> RowKey<super::Intent> {
    RowKey::passing(format!("is/{user}"), limits::FENCE_LIFETIME)
}
pub(crate) fn workspace(id: WorkspaceId) -> RowKey<WorkspaceRow> {
    RowKey::lasting(format!("w/{}", id.to_base62()))
}
/// The workspace that has this name. The key holds a hash, since the name's normal form can be long.
pub(crate) fn workspace_name(name: &Hashed) -> RowKey<WorkspaceId> {
    RowKey::lasting(format!("wn/{}", name.to_base62()))
}
/// A counter, changed without being read: how many workspaces there are.
pub(crate) fn workspaces() -> Key {
    Key::lasting("workspaces")
}
pub(crate) fn job(id: JobId) -> RowKey<JobRow> {
    RowKey::lasting(format!("j/{id}"))
}
/// A counter, changed without being read: how many members there are.
pub(crate) fn seats() -> Key {
    Key::lasting("seats")
}
/// A counter, changed without being read: how many invitations are open.
pub(crate) fn open_invitations() -> Key {
    Key::lasting("open-invitations")
}
/// A [`Meter`](crate::engine::meter::Meter): the mails that an organization sends.
pub(crate) fn mails() -> Key {
    Key::lasting("mails")
}
/// A [`Meter`](crate::engine::meter::Meter) in a user's shard: the mails that the user sends.
pub(crate) fn mails_of(user: &UserId) -> Key {
    Key::lasting(format!("mails/{}", super::shards::user_tag(user)))
}
/// When the token was last used. No operation writes this row; see `engine/token_use.rs`.
pub(crate) fn token_used(key: &TokenKey) -> RowKey<UsedRow> {
    RowKey::lasting(format!("tu/{}", key.short()))
}
pub(crate) fn idempotency(scope: &Hashed) -> RowKey<IdempotencyRow> {
    RowKey::passing(format!("k/{}", scope.to_base62()), limits::IDEMPOTENCY_LIFETIME)
}
pub(crate) fn fence(intent: super::Intent) -> RowKey<()> {
    RowKey::passing(format!("f/{:016x}", intent.0), limits::FENCE_LIFETIME)
}
/// In an address's shard: an invitation to it, and its organization.
pub(crate) fn address_entry(id: InvitationId) -> RowKey<InvitationEntryRow> {
    RowKey::lasting(format!("i/{}", id.to_base62()))
}
/// In an address's shard: an invitation to it that was closed, and its organization.
pub(crate) fn closed_address_entry(id: InvitationId) -> RowKey<InvitationEntryRow> {
    RowKey::passing(format!("ic/{}", id.to_base62()), limits::CLOSED_INVITATION_LIFETIME)
}
pub(crate) fn slug_claim(slug: &Slug) -> RowKey<SlugClaimRow> {
    RowKey::lasting(slug.as_str().to_owned())
}
pub(crate) fn join_code_entry(code: &Hashed) -> RowKey<JoinCodeEntryRow> {
    RowKey::lasting(code.to_base62())
}
/// In the platform's shard: present if the log has the organization's deletion.
pub(crate) fn deletion_noted(organization: OrganizationId) -> RowKey<()> {
    RowKey::passing(format!("d/{}", organization.to_base62()), limits::FENCE_LIFETIME)
}
pub(crate) fn attempts(user: &UserId) -> RowKey<AttemptsRow> {
    RowKey::passing(format!("attempts/{}", super::shards::user_tag(user)), limits::JOIN_ATTEMPTS_WINDOW * 2)
}
