//! The roles of one organization: the registry's, and those that it defined for itself.
//!
//! 1. A role of the organization's own ranks below the host's and above `member`; of several, the oldest ranks
//!    highest.
//! 2. It is known by its name. Where the host registers a role of the same name later on, the host's holds.
//! 3. One that was deleted with a replacement stays until nobody bears its name any more: whoever does has the
//!    replacement. So a deletion is one commit, however many members it concerns.

use crate::{
    error::Error,
    permission::PermissionSet,
    registry::Registry,
    role::RoleName,
    rows::{self, OwnRoleRow, RolesRow},
};

/// All roles that there are in one organization.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    registry: Registry,
    row: RolesRow,
}

impl Roles {
    /// The registry's roles, and those of the organization whose row this is.
    pub(crate) fn read(registry: &Registry, row: Option<&[u8]>) -> Result<Self, Error> {
        let row = row.map(rows::decode).transpose()?.unwrap_or_default();
        Ok(Self { registry: registry.clone(), row })
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The organization's own, the deleted ones too.
    pub(crate) fn row(&self) -> &RolesRow {
        &self.row
    }

    /// The permissions of a role that can be given; `None` for an unknown or a deleted one.
    pub(crate) fn role(&self, name: &str) -> Option<PermissionSet> {
        let own = || self.own().find(|own| own.name.as_str() == name).map(|own| self.permissions(own));
        self.registry.role(name).copied().or_else(own)
    }

    /// What a role of the organization's own permits; a permission that the host has dropped grants nothing.
    pub(crate) fn permissions(&self, own: &OwnRoleRow) -> PermissionSet {
        self.registry.set(own.permissions.iter().map(String::as_str))
    }

    /// The organization's own roles that can be given, from the highest to the lowest.
    pub(crate) fn own(&self) -> impl Iterator<Item = &OwnRoleRow> {
        let is_own = |own: &&OwnRoleRow| own.replaced_by.is_none() && self.registry.role(own.name.as_str()).is_none();
        self.row.own.iter().filter(is_own)
    }

    /// All roles that can be given, from the highest to the lowest.
    pub(crate) fn all(&self) -> Vec<(RoleName, PermissionSet)> {
        let mut all: Vec<_> = self.registry.roles().map(|(role, set)| (role.clone(), *set)).collect();
        let member = all.len().saturating_sub(1);
        all.splice(member..member, self.own().map(|own| (own.name.clone(), self.permissions(own))));
        all
    }

    /// Everything that these roles hold together.
    pub(crate) fn union<'a>(&self, roles: impl IntoIterator<Item = &'a RoleName>) -> PermissionSet {
        let sets = roles.into_iter().filter_map(|role| self.role(self.current(role).as_str()));
        sets.fold(PermissionSet::default(), |union, set| union.union(&set))
    }

    /// What whoever bears these names has: from the highest to the lowest, each once; unknown ones come last.
    pub(crate) fn ranked(&self, mut roles: Vec<RoleName>) -> Vec<RoleName> {
        for role in &mut roles {
            *role = self.current(role).clone();
        }
        if roles.len() < 2 {
            return roles;
        }
        let mut ranked = self.all();
        ranked.retain(|(known, _)| roles.contains(known));
        let mut ranked: Vec<_> = ranked.into_iter().map(|(known, _)| known).collect();
        roles.retain(|role| !ranked.contains(role));
        roles.sort();
        roles.dedup();
        ranked.append(&mut roles);
        ranked
    }

    /// Those of the roles `offered` that permit more than the roles `held` do together.
    pub(crate) fn beyond(&self, held: &[RoleName], offered: &[RoleName]) -> Vec<RoleName> {
        let (permissions, is_owner) = (self.union(held), held.iter().any(RoleName::is_owner));
        let mut beyond = self.ranked(offered.to_vec());
        beyond.retain(|role| {
            let more = !self.union([role]).minus(&permissions).is_empty();
            more || role.is_owner() && !is_owner
        });
        beyond
    }

    /// The role itself, or the one that took its place.
    fn current<'a>(&'a self, role: &'a RoleName) -> &'a RoleName {
        if self.registry.role(role.as_str()).is_some() {
            return role;
        }
        let own = self.row.own.iter().find(|own| own.name == *role);
        own.and_then(|own| own.replaced_by.as_ref()).unwrap_or(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn name(text: &str) -> RoleName {
        RoleName::new(text).unwrap()
    }

    fn roles(own: &[(&str, &[&str], Option<&str>)]) -> Roles {
        let registry = Registry::builder().permission("notes:write").role("writer", ["notes:write"]).build().unwrap();
        let own = own.iter().zip(1..).map(|((role, permissions, replaced_by), number)| OwnRoleRow {
            number,
            name: name(role),
            permissions: permissions.iter().map(|&permission| permission.to_owned()).collect(),
            description: String::new(),
            replaced_by: replaced_by.map(name),
            created_at: Timestamp::from_millis(0),
        });
        let row = RolesRow { own: own.collect(), numbers_given: 9 };
        Roles::read(&registry, Some(&rows::encode(&row).unwrap())).unwrap()
    }

    #[test]
    fn an_organizations_own_rank_between_the_hosts_and_member() {
        let roles = roles(&[("zebra", &["org:view"], None), ("auditor", &["audit:view", "gone:gone"], None)]);
        let all: Vec<_> = roles.all().into_iter().map(|(role, _)| role.to_string()).collect();
        assert_eq!(all, ["owner", "admin", "writer", "zebra", "auditor", "member"]);
        let ranked = roles.ranked(["x", "member", "auditor", "zebra", "writer", "auditor"].map(name).to_vec());
        assert_eq!(ranked, ["writer", "zebra", "auditor", "member", "x"].map(name));
        let union = roles.union(&["auditor", "zebra"].map(name));
        assert_eq!(roles.registry().names(&union), ["org:view", "audit:view"]);
    }

    #[test]
    fn a_replacement_takes_the_place_and_the_hosts_role_holds() {
        let roles = roles(&[
            ("old", &["org:delete"], Some("new")),
            ("new", &["org:view"], None),
            ("writer", &["org:delete"], Some("new")),
        ]);
        assert_eq!(roles.ranked(["old", "new"].map(name).to_vec()), [name("new")]);
        assert_eq!(roles.registry().names(&roles.union(&[name("old")])), ["org:view"]);
        assert!(roles.role("old").is_none(), "it cannot be given any more");
        assert_eq!(roles.registry().names(&roles.union(&[name("writer")])), ["notes:write"]);
    }
}
