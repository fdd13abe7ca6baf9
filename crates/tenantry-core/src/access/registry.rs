//! The permissions and roles of a Tenantry: the built-in ones, and those that the host registers at start-up.
//!
//! 1. `owner` holds every permission and `admin` every one but `org:delete`, the host's own included. `member` holds
//!    `org:view` and `members:view`, and what the host [grants](RegistryBuilder::grant) to it.
//! 2. A mistake (a name that is malformed, unknown or given twice) fails the build, with a message that says how to
//!    correct it.
//! 3. A role or permission that a row names and the registry does not know (the host has dropped it) grants nothing. If
//!    the host registers the name again, everything that was granted by it before counts again. So the host
//!    [retires](RegistryBuilder::retired_permission) a name that is not to come back, and is told of names that are
//!    neither registered nor retired; see [`discrepancy`](crate::access::discrepancy).
//! 4. What was granted by an unregistered name stays in the rows; nothing prunes it. While a new version of the host is
//!    rolled out, two registries are at work on one store. A node that does not know a name cannot tell whether it is
//!    the older node, and the name is new, or the newer node, and the name was dropped. If it pruned the name, a
//!    rollout or a rollback would lose grants. A deadline after which a name counts as gone would be no better: nobody
//!    tells a store when the last node of a version has stopped. Only the host knows, and says so by retiring the name.
//! 5. If the host registers a role by a name that an organization has given to a role of its own, nothing changes
//!    there: the organization's role keeps the name, and the host's is called `host.<name>`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    access::{
        discrepancy::{Discrepancies, Discrepancy},
        permission::{self, Permission, PermissionIndex, PermissionSet},
    },
    values::{ids::OrganizationId, limits, role::RoleName},
};

/// Collects what the host registers.
#[derive(Debug, Clone, Default)]
pub struct RegistryBuilder {
    permissions: Vec<String>,
    roles: Vec<(String, Vec<String>)>,
    grants: Vec<(String, String)>,
    retired_permissions: Vec<String>,
    retired_roles: Vec<String>,
}

impl RegistryBuilder {
    /// Adds a permission of the host's own.
    #[must_use]
    pub fn permission(mut self, name: impl Into<String>) -> Self {
        self.permissions.push(name.into());
        self
    }

    /// Adds a role of the host's own, below `admin` and above `member`; of several, the first ranks highest.
    #[must_use]
    pub fn role<P: Into<String>>(mut self, name: impl Into<String>, permissions: impl IntoIterator<Item = P>) -> Self {
        self.roles.push((name.into(), permissions.into_iter().map(Into::into).collect()));
        self
    }

    /// Grants one more permission to a role, such as `member`.
    #[must_use]
    pub fn grant(mut self, role: impl Into<String>, permission: impl Into<String>) -> Self {
        self.grants.push((role.into(), permission.into()));
        self
    }

    /// Says that a permission that was registered once is not to come back: what was granted by its name grants nothing
    /// and is not shown, and a registry that registers the name again cannot be built.
    #[must_use]
    pub fn retired_permission(mut self, name: impl Into<String>) -> Self {
        self.retired_permissions.push(name.into());
        self
    }

    /// As [`retired_permission`](Self::retired_permission), for a role.
    #[must_use]
    pub fn retired_role(mut self, name: impl Into<String>) -> Self {
        self.retired_roles.push(name.into());
        self
    }

    /// Checks everything together and builds the registry.
    ///
    /// # Errors
    /// The first mistake, with how to correct it.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut registry = Inner::with_built_in();
        for name in &self.retired_permissions {
            registry.retire_permission(name)?;
        }
        for name in &self.permissions {
            registry.add_permission(name)?;
        }
        for name in &self.retired_roles {
            let role = role_name(name)?;
            if role.is_built_in() {
                return Err(RegistryError(format!("the role {name} is built in: it cannot be retired")));
            }
            registry.retired_roles.insert(role);
        }
        // Roles are resolved only here, when all permissions are known: so the order of the builder's calls does not
        // matter.
        let mut roles = Vec::with_capacity(self.roles.len() + 3);
        roles.push((RoleName::owner(), registry.all()));
        let mut admin = registry.all();
        admin.remove(registry.built_in(Permission::ORG_DELETE));
        roles.push((role_name(RoleName::ADMIN)?, admin));
        for (name, permissions) in &self.roles {
            let role = role_name(name)?;
            if registry.retired_roles.contains(&role) {
                return Err(retired("role", name));
            }
            if role.as_str() == RoleName::MEMBER || roles.iter().any(|(known, _)| *known == role) {
                return Err(RegistryError(format!(
                    "the role {name:?} is there already: choose another name, or use grant({name:?}, …)"
                )));
            }
            let mut set = PermissionSet::default();
            for permission in permissions {
                set.insert(registry.index_or_mend(permission)?);
            }
            roles.push((role, set));
        }
        let mut member = PermissionSet::default();
        member.insert(registry.built_in(Permission::ORG_VIEW));
        member.insert(registry.built_in(Permission::MEMBERS_VIEW));
        roles.push((RoleName::member(), member));
        if roles.len() > limits::ROLES_MAX {
            return Err(RegistryError(format!("{} roles are too many: at most {}", roles.len(), limits::ROLES_MAX)));
        }
        for (role, permission) in &self.grants {
            if matches!(role.as_str(), RoleName::OWNER | RoleName::ADMIN) {
                return Err(RegistryError(format!("{role} holds every permission already: drop this grant")));
            }
            let index = registry.index_or_mend(permission)?;
            let (_, set) = roles.iter_mut().find(|(known, _)| known.as_str() == role).ok_or_else(|| {
                RegistryError(format!("there is no role {role:?} to grant {permission:?} to: register it with role(…)"))
            })?;
            set.insert(index);
        }
        registry.of_host = roles.iter().map(|(role, _)| role).filter(|role| !role.is_built_in()).cloned().collect();
        registry.roles = roles;
        Ok(Registry(Arc::new(registry)))
    }
}

fn role_name(name: &str) -> Result<RoleName, RegistryError> {
    let role = RoleName::new(name).map_err(|error| RegistryError(format!("the role {name:?} is misnamed: {error}")))?;
    match role.plain_of_host() {
        None => Ok(role),
        Some(plain) => Err(RegistryError(format!("the role {name:?} is misnamed: write {plain:?}, without host."))),
    }
}

fn retired(what: &str, name: &str) -> RegistryError {
    RegistryError(format!(
        "the {what} {name} was retired, and what was granted by that name would count again: choose another name"
    ))
}

/// What the host registered cannot be used; the message says how to correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegistryError(String);

/// All permissions and roles; cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    permissions: Vec<String>,
    places: HashMap<String, PermissionIndex>,
    /// From the highest to the lowest.
    roles: Vec<(RoleName, PermissionSet)>,
    /// The names of the roles that the host registered.
    of_host: HashSet<RoleName>,
    retired_permissions: HashSet<String>,
    retired_roles: HashSet<RoleName>,
    discrepancies: Discrepancies,
}

fn require_well_formed(permission: &str) -> Result<(), RegistryError> {
    if permission::is_well_formed(permission) {
        return Ok(());
    }
    Err(RegistryError(format!(
        "the permission {permission:?} is misnamed: write noun:verb in lower-case letters, digits, - and _, \
         at most 48 characters, such as notes:write"
    )))
}

impl Inner {
    fn with_built_in() -> Self {
        let mut inner = Self::default();
        for permission in Permission::BUILT_IN {
            inner.push(permission.as_str());
        }
        inner
    }

    fn push(&mut self, name: &str) {
        if let Ok(place) = u8::try_from(self.permissions.len()) {
            self.permissions.push(name.to_owned());
            self.places.insert(name.to_owned(), PermissionIndex(place));
        }
    }

    fn retire_permission(&mut self, name: &str) -> Result<(), RegistryError> {
        require_well_formed(name)?;
        if self.places.contains_key(name) {
            return Err(RegistryError(format!("the permission {name} is built in: it cannot be retired")));
        }
        self.retired_permissions.insert(name.to_owned());
        Ok(())
    }

    fn add_permission(&mut self, name: &str) -> Result<(), RegistryError> {
        require_well_formed(name)?;
        if self.retired_permissions.contains(name) {
            return Err(retired("permission", name));
        }
        if self.places.contains_key(name) {
            return Err(RegistryError(format!("the permission {name:?} is there already: register it once")));
        }
        if self.permissions.len() == limits::PERMISSIONS_MAX {
            return Err(RegistryError(format!("too many permissions: at most {}", limits::PERMISSIONS_MAX)));
        }
        self.push(name);
        Ok(())
    }

    fn index_or_mend(&self, name: &str) -> Result<PermissionIndex, RegistryError> {
        if self.retired_permissions.contains(name) {
            return Err(retired("permission", name));
        }
        self.places.get(name).copied().ok_or_else(|| {
            RegistryError(format!("the permission {name:?} is not registered: add permission({name:?})"))
        })
    }

    fn built_in(&self, permission: Permission) -> PermissionIndex {
        // Built-in permissions are pushed first and are never removed.
        self.places.get(permission.as_str()).copied().unwrap_or(PermissionIndex(u8::MAX))
    }

    fn all(&self) -> PermissionSet {
        let mut set = PermissionSet::default();
        self.places.values().for_each(|place| set.insert(*place));
        set
    }
}

impl Registry {
    /// A builder that begins with the built-in permissions and roles.
    #[must_use]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The place of a permission; `None` if nobody registered it.
    #[must_use]
    pub fn index(&self, permission: &str) -> Option<PermissionIndex> {
        self.0.places.get(permission).copied()
    }

    /// Whether `held` suffices for `permission`: it contains it, or `permission` is `tokens:manage` and it contains
    /// `org:manage`.
    ///
    /// An unregistered permission is held by nobody.
    #[must_use]
    pub fn permits(&self, held: &PermissionSet, permission: &str) -> bool {
        let holds = |name: &str| self.index(name).is_some_and(|index| held.contains(index));
        holds(permission)
            || (permission == Permission::TOKENS_MANAGE.as_str() && holds(Permission::ORG_MANAGE.as_str()))
    }

    /// The first permission of `granted` that `held` is not enough for.
    #[must_use]
    pub fn first_beyond(&self, held: &PermissionSet, granted: &PermissionSet) -> Option<&str> {
        granted.minus(held).iter().map(|index| self.name(index)).find(|name| !self.permits(held, name))
    }

    /// The permissions of a role; `None` for an unknown one.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&PermissionSet> {
        self.0.roles.iter().find(|(role, _)| role.as_str() == name).map(|(_, set)| set)
    }

    /// Whether the host registered a role of this plain name.
    pub(crate) fn is_of_host(&self, plain: &str) -> bool {
        self.0.of_host.contains(plain)
    }

    /// All roles, from the highest to the lowest.
    pub fn roles(&self) -> impl Iterator<Item = (&RoleName, &PermissionSet)> {
        self.0.roles.iter().map(|(role, set)| (role, set))
    }

    /// All permissions, in the order of their registration.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.0.permissions
    }

    /// Everything that these roles hold together.
    #[must_use]
    pub fn union<'a>(&self, roles: impl IntoIterator<Item = &'a RoleName>) -> PermissionSet {
        roles
            .into_iter()
            .filter_map(|role| self.role(role.as_str()))
            .fold(PermissionSet::default(), super::permission::PermissionSet::union)
    }

    /// The registered permissions among these names, as a set.
    #[must_use]
    pub fn set<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> PermissionSet {
        let mut set = PermissionSet::default();
        names.into_iter().filter_map(|name| self.index(name)).for_each(|index| set.insert(index));
        set
    }

    /// The registered ones among these names, in the order of their registration.
    pub(crate) fn registered(&self, names: &[String]) -> Vec<String> {
        self.names(&self.set(names.iter().map(String::as_str)))
    }

    /// The permissions that a row grants by these names. A name that is neither registered nor retired grants nothing,
    /// and is recorded as a discrepancy.
    pub(crate) fn granted<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> PermissionSet {
        let mut set = PermissionSet::default();
        for name in names {
            match self.index(name) {
                Some(index) => set.insert(index),
                None if self.0.retired_permissions.contains(name) => {}
                None => self.0.discrepancies.note(Discrepancy::PermissionUnknown { permission: name.to_owned() }),
            }
        }
        set
    }

    /// Records that a row names an unknown role, unless the role was retired.
    pub(crate) fn note_unknown_role(&self, role: &RoleName) {
        if role.plain_of_host().is_some_and(|plain| !self.0.retired_roles.contains(plain)) {
            self.0.discrepancies.note(Discrepancy::RoleUnknown { role: role.clone() });
        }
    }

    /// Records that an organization has a role of its own by the plain name of one that the host registered.
    pub(crate) fn note_shadowed_role(&self, organization: OrganizationId, role: &RoleName) {
        self.0.discrepancies.note(Discrepancy::RoleShadowed { organization, role: role.clone() });
    }

    /// The differences between rows and this registry that have occurred in this process; see
    /// [`discrepancy`](crate::access::discrepancy).
    #[must_use]
    pub fn discrepancies(&self) -> Vec<Discrepancy> {
        self.0.discrepancies.found()
    }

    /// The names of a set, in the order of their registration.
    #[must_use]
    pub fn names(&self, set: &PermissionSet) -> Vec<String> {
        set.iter().map(|index| self.name(index).to_owned()).collect()
    }

    /// Sorts roles from the highest to the lowest, each once; unknown ones come last.
    #[must_use]
    pub fn ranked(&self, mut roles: Vec<RoleName>) -> Vec<RoleName> {
        let rank =
            |role: &RoleName| self.0.roles.iter().position(|(known, _)| known == role).unwrap_or(self.0.roles.len());
        roles.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
        roles.dedup();
        roles
    }

    fn name(&self, index: PermissionIndex) -> &str {
        self.0.permissions.get(usize::from(index.0)).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_hold_what_they_promise() {
        let registry = Registry::builder()
            .role("editor", ["notes:write", "org:view"])
            .permission("notes:write")
            .grant("member", "notes:write")
            .build()
            .unwrap();
        assert_eq!(registry.role("owner").unwrap().iter().count(), 9);
        let admin = registry.role("admin").unwrap();
        assert!(!registry.permits(admin, "org:delete"));
        assert!(registry.permits(admin, "notes:write"));
        let member = registry.role("member").unwrap();
        assert_eq!(registry.names(member), ["org:view", "members:view", "notes:write"]);
        let ranked = registry
            .ranked(["gone", "member", "editor", "owner", "member"].map(|name| RoleName::new(name).unwrap()).to_vec());
        assert_eq!(ranked.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["owner", "editor", "member", "gone"]);
    }

    #[test]
    fn org_manage_is_enough_for_tokens_and_an_unknown_permission_for_nobody() {
        let registry = Registry::builder().build().unwrap();
        let manage = registry.set(["org:manage"]);
        assert!(registry.permits(&manage, "tokens:manage"));
        assert!(registry.first_beyond(&manage, &registry.set(["tokens:manage"])).is_none());
        assert_eq!(registry.first_beyond(&manage, &registry.set(["org:view"])), Some("org:view"));
        assert!(!registry.permits(registry.role("owner").unwrap(), "notes:write"));
    }

    #[test]
    fn what_is_retired_grants_nothing_is_not_shown_and_does_not_come_back() {
        let retiring = || Registry::builder().retired_permission("notes:write").retired_role("writer");
        let registry = retiring().build().unwrap();
        assert!(registry.granted(["notes:write"]).is_empty());
        assert!(registry.index("notes:write").is_none() && registry.role("writer").is_none());
        assert!(!registry.permissions().contains(&"notes:write".to_owned()));
        registry.note_unknown_role(&RoleName::of_host("writer"));
        assert_eq!(registry.discrepancies(), []);
        assert!(registry.granted(["notes:read"]).is_empty());
        registry.note_unknown_role(&RoleName::of_host("reader"));
        let found = [
            Discrepancy::RoleUnknown { role: RoleName::of_host("reader") },
            Discrepancy::PermissionUnknown { permission: "notes:read".to_owned() },
        ];
        assert_eq!(registry.discrepancies(), found);

        let mend = |builder: RegistryBuilder| builder.build().unwrap_err().to_string();
        for again in [
            retiring().permission("notes:write"),
            retiring().role("writer", ["org:view"]),
            retiring().role("reader", ["notes:write"]),
            retiring().grant("member", "notes:write"),
        ] {
            assert!(mend(again).contains("choose another name"));
        }
        assert!(mend(Registry::builder().retired_permission("org:view")).contains("built in"));
        assert!(mend(Registry::builder().retired_role("member")).contains("built in"));
        assert!(mend(Registry::builder().retired_permission("Notes")).contains("noun:verb"));
    }

    #[test]
    fn a_mistake_names_its_mend() {
        let mend = |builder: RegistryBuilder| builder.build().unwrap_err().to_string();
        assert!(mend(Registry::builder().permission("Notes")).contains("noun:verb"));
        assert!(mend(Registry::builder().permission("org:view")).contains("register it once"));
        assert!(mend(Registry::builder().role("editor", ["notes:write"])).contains("permission(\"notes:write\")"));
        assert!(mend(Registry::builder().role("member", ["org:view"])).contains("grant(\"member\", …)"));
        assert!(mend(Registry::builder().grant("admin", "org:view")).contains("drop this grant"));
        assert!(mend(Registry::builder().grant("editor", "org:view")).contains("role(…)"));
        assert!(mend(Registry::builder().role("host.editor", ["org:view"])).contains("without host."));
        let many = (0..300).fold(Registry::builder(), |builder, n| builder.permission(format!("a{n}:b")));
        assert!(mend(many).contains("at most 256"));
    }
}
