//! The permissions and roles of a Tenantry: the built-in ones, and those that the host registers at start-up.
//!
//! 1. `owner` holds every permission and `admin` every one but `org:delete`, the host's own included. `member` holds
//!    `org:view` and `members:view`, and what the host [grants](RegistryBuilder::grant) to it.
//! 2. A mistake (a name that is malformed, unknown or given twice) fails the build, with the mend named.
//! 3. A role or permission that a row names and the registry does not know (the host has dropped it) grants nothing.

use std::{collections::HashMap, sync::Arc};

use crate::{
    limits,
    permission::{self, Permission, PermissionIndex, PermissionSet},
    role::RoleName,
};

/// Collects what the host registers.
#[derive(Debug, Clone, Default)]
pub struct RegistryBuilder {
    permissions: Vec<String>,
    roles: Vec<(String, Vec<String>)>,
    grants: Vec<(String, String)>,
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

    /// Checks all of it together.
    ///
    /// # Errors
    /// At the first mistake, with the mend.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut registry = Inner::with_built_in();
        for name in &self.permissions {
            registry.add_permission(name)?;
        }
        // A builder is small, and only here does a role see all permissions, whatever the order of the calls.
        let mut roles = Vec::with_capacity(self.roles.len() + 3);
        roles.push((RoleName::owner(), registry.all()));
        let mut admin = registry.all();
        admin.remove(registry.built_in(Permission::ORG_DELETE));
        roles.push((role_name(RoleName::ADMIN)?, admin));
        for (name, permissions) in &self.roles {
            let role = role_name(name)?;
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
        registry.roles = roles;
        Ok(Registry(Arc::new(registry)))
    }
}

fn role_name(name: &str) -> Result<RoleName, RegistryError> {
    RoleName::new(name).map_err(|error| RegistryError(format!("the role {name:?} is misnamed: {error}")))
}

/// What the host registered cannot be used; the message names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegistryError(String);

/// All permissions and roles; cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permissions: Vec<String>,
    places: HashMap<String, PermissionIndex>,
    /// From the highest to the lowest.
    roles: Vec<(RoleName, PermissionSet)>,
}

impl Inner {
    fn with_built_in() -> Self {
        let mut inner = Self { permissions: Vec::new(), places: HashMap::new(), roles: Vec::new() };
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

    fn add_permission(&mut self, name: &str) -> Result<(), RegistryError> {
        if !permission::is_well_formed(name) {
            return Err(RegistryError(format!(
                "the permission {name:?} is misnamed: write noun:verb in lower-case letters, digits, - and _, \
                 at most 48 characters, such as notes:write"
            )));
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
    /// Begins with the built-in permissions and roles.
    #[must_use]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The place of a permission; `None` if nobody registered it.
    #[must_use]
    pub fn index(&self, permission: &str) -> Option<PermissionIndex> {
        self.0.places.get(permission).copied()
    }

    /// Whether `held` is enough for `permission`: it holds it, or it holds `org:manage` and `tokens:manage` is meant.
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

    /// The permissions of a role; nothing for an unknown one.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&PermissionSet> {
        self.0.roles.iter().find(|(role, _)| role.as_str() == name).map(|(_, set)| set)
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

    /// The registered ones among these names.
    #[must_use]
    pub fn set<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> PermissionSet {
        let mut set = PermissionSet::default();
        names.into_iter().filter_map(|name| self.index(name)).for_each(|index| set.insert(index));
        set
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
    fn a_mistake_names_its_mend() {
        let mend = |builder: RegistryBuilder| builder.build().unwrap_err().to_string();
        assert!(mend(Registry::builder().permission("Notes")).contains("noun:verb"));
        assert!(mend(Registry::builder().permission("org:view")).contains("register it once"));
        assert!(mend(Registry::builder().role("editor", ["notes:write"])).contains("permission(\"notes:write\")"));
        assert!(mend(Registry::builder().role("member", ["org:view"])).contains("grant(\"member\", …)"));
        assert!(mend(Registry::builder().grant("admin", "org:view")).contains("drop this grant"));
        assert!(mend(Registry::builder().grant("editor", "org:view")).contains("role(…)"));
        let many = (0..300).fold(Registry::builder(), |builder, n| builder.permission(format!("a{n}:b")));
        assert!(mend(many).contains("at most 256"));
    }
}
