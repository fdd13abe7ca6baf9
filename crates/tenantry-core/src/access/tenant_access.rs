//! What the layer resolved for one request.

use std::{fmt, sync::Arc};

use crate::{
    access::{authority::Authority, permission::PermissionSet, registry::Registry},
    rows::OrganizationRow,
    values::{clock::Timestamp, ids::OrganizationId, principal::Principal, rate_limit::RateLimit, role::RoleName},
};

/// The organization in which a request is made, who makes it, and what they may do. Cheap to clone.
#[derive(Clone)]
pub struct TenantAccess(Arc<Inner>);

struct Inner {
    organization: OrganizationId,
    name: String,
    slug: String,
    authority: Authority,
    registry: Registry,
}

impl TenantAccess {
    pub(crate) fn new(
        organization: OrganizationId,
        row: OrganizationRow,
        authority: Authority,
        registry: Registry,
    ) -> Self {
        let slug = row.slug.to_string();
        Self(Arc::new(Inner { organization, name: row.name, slug, authority, registry }))
    }

    /// The organization's id.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.0.organization
    }

    /// The organization's name.
    #[must_use]
    pub fn organization_name(&self) -> &str {
        &self.0.name
    }

    /// The organization's slug.
    #[must_use]
    pub fn organization_slug(&self) -> &str {
        &self.0.slug
    }

    /// Who is calling.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.0.authority.principal
    }

    /// The highest of the caller's roles; `None` for an API token.
    #[must_use]
    pub fn role(&self) -> Option<&RoleName> {
        self.roles().first()
    }

    /// The caller's roles, from the highest to the lowest; empty for an API token.
    ///
    /// The names are for people to read: an organization may have given any name but the built-in ones to a role of its
    /// own. To decide what the caller may do, ask for a permission ([`has`](Self::has)).
    #[must_use]
    pub fn roles(&self) -> &[RoleName] {
        &self.0.authority.roles
    }

    /// Whether the caller holds `permission`. One that is not registered is held by nobody.
    #[must_use]
    pub fn has(&self, permission: impl AsRef<str>) -> bool {
        self.0.registry.permits(&self.0.authority.permissions, permission.as_ref())
    }

    /// The permissions that the caller holds, as a set.
    #[must_use]
    pub fn permission_set(&self) -> &PermissionSet {
        &self.0.authority.permissions
    }

    /// The permissions that the caller holds, by name, in the order of their registration.
    #[must_use]
    pub fn permissions(&self) -> Vec<String> {
        self.0.registry.names(&self.0.authority.permissions)
    }

    /// When the caller's API token, or the secret of it that was presented, expires; `None` if it does not, and for a
    /// user.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.authority.expires_at
    }

    /// Whether the caller's credential says something about them that the organization does not know yet; see
    /// [`Engine::refresh_profile`](crate::engine::Engine::refresh_profile).
    #[must_use]
    pub fn profile_is_due(&self) -> bool {
        self.0.authority.profile_is_due
    }

    /// The rate limit of the caller's API token, if it has one;
    /// [`Engine::token_count`](crate::engine::Engine::token_count) counts its requests.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.authority.rate_limit
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// The permissions and roles by which this was resolved.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }
}

impl fmt::Debug for TenantAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantAccess")
            .field("organization", &self.0.organization)
            .field("principal", &self.0.authority.principal)
            .field("roles", &self.0.authority.roles)
            .finish_non_exhaustive()
    }
}
