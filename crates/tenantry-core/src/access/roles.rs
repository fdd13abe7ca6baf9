//! The roles of one organization: the registry's, and those that it defined for itself.
//!
//! 1. A role of the organization's own ranks below the host's and above `member`; of several, the oldest ranks
//!    highest.
//! 2. Within an organization a name means one role. If the organization has given the name to a role of its own, it
//!    means that role, whatever the host registers later: so a new role of the host never widens what the people of an
//!    organization decided. The host's role of that name is called `host.<name>` there. Nobody can give a built-in name
//!    to another role.
//! 3. Rows always name the host's roles as `host.<name>`, and the organization's own and the built-in ones by the plain
//!    name. So a row never comes to mean another role, neither when the host registers one nor when it drops one and
//!    the organization takes the name. Requests may use either name of a host's role; answers use the plain one unless
//!    rule 2 forbids it.
//! 4. A role that was deleted with a replacement stays until nobody bears its name any more; whoever bears it has the
//!    replacement. So a deletion is one commit, however many members it concerns.

use crate::{
    access::{permission::PermissionSet, registry::Registry},
    rows::{self, OwnRoleRow, RolesRow},
    values::{error::Error, ids::OrganizationId, role::RoleName},
};

/// All roles that there are in one organization.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    registry: Registry,
    row: RolesRow,
}

impl Roles {
    /// The registry's roles, and those of the organization whose row this is.
    pub(crate) fn read(registry: &Registry, organization: OrganizationId, row: Option<&[u8]>) -> Result<Self, Error> {
        let row: RolesRow = row.map(rows::decode).transpose()?.unwrap_or_default();
        for own in row.own.iter().filter(|own| registry.is_of_host(own.name.as_str())) {
            registry.note_shadowed_role(organization, &own.name);
        }
        Ok(Self { registry: registry.clone(), row })
    }

    /// The registry's roles alone.
    pub(crate) fn of_registry(registry: &Registry) -> Self {
        Self { registry: registry.clone(), row: RolesRow::default() }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The row of the organization's own roles, including the deleted ones.
    pub(crate) fn row(&self) -> &RolesRow {
        &self.row
    }

    /// The role that a request means by `name`, by its name in rows; `None` if it is unknown or deleted.
    pub(crate) fn meant(&self, name: &RoleName) -> Option<RoleName> {
        if let Some(plain) = name.plain_of_host() {
            return self.registry.is_of_host(plain).then(|| name.clone());
        }
        match self.named(name) {
            Some(own) => own.replaced_by.is_none().then(|| name.clone()),
            None if name.is_built_in() => Some(name.clone()),
            None => self.registry.is_of_host(name.as_str()).then(|| RoleName::of_host(name.as_str())),
        }
    }

    /// The name that people are shown for the role that rows call `name`.
    fn shown(&self, name: &RoleName) -> RoleName {
        let plain = name.plain_of_host().and_then(|plain| RoleName::new(plain).ok());
        plain.filter(|plain| self.named(plain).is_none()).unwrap_or_else(|| name.clone())
    }

    /// The organization's own role of that name, even if it is deleted.
    fn named(&self, name: &RoleName) -> Option<&OwnRoleRow> {
        self.row.own.iter().find(|own| own.name == *name)
    }

    /// What the role that rows call `name` permits; `None` if it is unknown.
    fn permitted(&self, name: &RoleName) -> Option<PermissionSet> {
        let name = self.current(name);
        match name.plain_of_host() {
            Some(plain) => self.registry.role(plain).filter(|_| self.registry.is_of_host(plain)).copied(),
            None if name.is_built_in() => self.registry.role(name.as_str()).copied(),
            None => self.named(name).filter(|own| own.replaced_by.is_none()).map(|own| self.permissions(own)),
        }
    }

    /// What a role of the organization's own permits; a permission that the host has dropped grants nothing.
    pub(crate) fn permissions(&self, own: &OwnRoleRow) -> PermissionSet {
        self.registry.granted(own.permissions.iter().map(String::as_str))
    }

    /// The organization's own roles that can be given, from the highest to the lowest.
    pub(crate) fn own(&self) -> impl Iterator<Item = &OwnRoleRow> {
        self.row.own.iter().filter(|own| own.replaced_by.is_none())
    }

    /// All roles that can be given, by their names in rows, from the highest to the lowest.
    fn all(&self) -> Vec<RoleName> {
        let of_registry = self
            .registry
            .roles()
            .map(|(role, _)| if role.is_built_in() { role.clone() } else { RoleName::of_host(role.as_str()) });
        let mut all: Vec<_> = of_registry.collect();
        let member = all.len().saturating_sub(1);
        all.splice(member..member, self.own().map(|own| own.name.clone()));
        all
    }

    /// All roles that can be given, by the names that people are shown, and what each permits, from the highest to the
    /// lowest.
    pub(crate) fn matrix(&self) -> Vec<(RoleName, PermissionSet)> {
        let all = self.all().into_iter();
        all.map(|role| (self.shown(&role), self.permitted(&role).unwrap_or_default())).collect()
    }

    /// Everything that these roles, which are named as in rows, permit together.
    pub(crate) fn union<'a>(&self, roles: impl IntoIterator<Item = &'a RoleName>) -> PermissionSet {
        let sets = roles.into_iter().filter_map(|role| {
            let permitted = self.permitted(role);
            if permitted.is_none() {
                self.registry.note_unknown_role(self.current(role));
            }
            permitted
        });
        sets.fold(PermissionSet::default(), |union, set| union.union(&set))
    }

    /// The roles of somebody whose row has these names, by their names in rows: deleted roles replaced, from the
    /// highest to the lowest, each once; unknown ones come last.
    pub(crate) fn in_order(&self, mut roles: Vec<RoleName>) -> Vec<RoleName> {
        for role in &mut roles {
            *role = self.current(role).clone();
        }
        if roles.len() < 2 {
            return roles;
        }
        let mut ranked = self.all();
        ranked.retain(|known| roles.contains(known));
        roles.retain(|role| !ranked.contains(role));
        roles.sort();
        roles.dedup();
        ranked.append(&mut roles);
        ranked
    }

    /// As [`in_order`](Self::in_order), but by the names that people are shown.
    pub(crate) fn ranked(&self, roles: Vec<RoleName>) -> Vec<RoleName> {
        self.in_order(roles).iter().map(|role| self.shown(role)).collect()
    }

    /// Those of the roles `offered` that permit more than the roles `held` do together, by the names that people are
    /// shown. Both arguments name roles as rows do.
    pub(crate) fn beyond(&self, held: &[RoleName], offered: &[RoleName]) -> Vec<RoleName> {
        let (permissions, is_owner) = (self.union(held), held.iter().any(RoleName::is_owner));
        let mut beyond = self.in_order(offered.to_vec());
        beyond.retain(|role| {
            let more = !self.union([role]).minus(&permissions).is_empty();
            more || role.is_owner() && !is_owner
        });
        beyond.iter().map(|role| self.shown(role)).collect()
    }

    /// The role itself, or its replacement if it was deleted.
    fn current<'a>(&'a self, role: &'a RoleName) -> &'a RoleName {
        self.named(role).and_then(|own| own.replaced_by.as_ref()).unwrap_or(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::discrepancy::Discrepancy, values::clock::Timestamp};

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
        let organization = OrganizationId::from_parts(Timestamp::from_millis(0), [0; 10]);
        Roles::read(&registry, organization, Some(&rows::encode(&row).unwrap())).unwrap()
    }

    #[test]
    fn an_organizations_own_roles_rank_between_the_hosts_roles_and_member() {
        let roles = roles(&[("zebra", &["org:view"], None), ("auditor", &["audit:view", "gone:gone"], None)]);
        let all: Vec<_> = roles.matrix().into_iter().map(|(role, _)| role.to_string()).collect();
        assert_eq!(all, ["owner", "admin", "writer", "zebra", "auditor", "member"]);
        let ranked = roles.ranked(["x", "member", "auditor", "zebra", "host.writer", "auditor"].map(name).to_vec());
        assert_eq!(ranked, ["writer", "zebra", "auditor", "member", "x"].map(name));
        let union = roles.union(&["auditor", "zebra"].map(name));
        assert_eq!(roles.registry().names(&union), ["org:view", "audit:view"]);
    }

    #[test]
    fn whoever_bears_a_deleted_role_has_its_replacement() {
        let roles = roles(&[
            ("old", &["org:delete"], Some("new")),
            ("new", &["org:view"], None),
            ("older", &["org:delete"], Some("host.writer")),
        ]);
        assert_eq!(roles.ranked(["old", "new"].map(name).to_vec()), [name("new")]);
        assert_eq!(roles.registry().names(&roles.union(&[name("old")])), ["org:view"]);
        assert_eq!(roles.meant(&name("old")), None, "it cannot be given any more");
        assert_eq!(roles.ranked(vec![name("older")]), [name("writer")]);
        assert_eq!(roles.registry().names(&roles.union(&[name("older")])), ["notes:write"]);
    }

    /// How the role that rows call `role` is shown, and what it permits.
    fn bearer(roles: &Roles, role: &str) -> (String, Vec<String>) {
        let shown = roles.ranked(vec![name(role)]).remove(0).to_string();
        (shown, roles.registry().names(&roles.union(&[name(role)])))
    }

    fn is(shown: &str, permissions: &[&str]) -> (String, Vec<String>) {
        (shown.to_owned(), permissions.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_name_means_the_organizations_own_role_and_the_hosts_can_be_told_apart() {
        let known = roles(&[("writer", &["org:view"], None)]);
        assert_eq!(bearer(&known, "writer"), is("writer", &["org:view"]));
        assert_eq!(bearer(&known, "host.writer"), is("host.writer", &["notes:write"]));
        assert_eq!(known.meant(&name("writer")), Some(name("writer")));
        assert_eq!(known.meant(&name("host.writer")), Some(name("host.writer")));
        let all: Vec<_> =
            known.matrix().into_iter().map(|(role, set)| (role.to_string(), known.registry().names(&set))).collect();
        assert_eq!(all[2..4], [is("host.writer", &["notes:write"]), is("writer", &["org:view"])]);
        assert_eq!(known.ranked(["writer", "host.writer"].map(name).to_vec()), ["host.writer", "writer"].map(name));
        let [Discrepancy::RoleShadowed { role, .. }] = &known.registry().discrepancies()[..] else {
            panic!("the host is told once: {:?}", known.registry().discrepancies());
        };
        assert_eq!(*role, name("writer"));

        // The same if the organization's own role was deleted and somebody still bears its name.
        let known = roles(&[("writer", &["org:delete"], Some("member"))]);
        assert_eq!(bearer(&known, "writer"), is("member", &["org:view", "members:view"]));
        assert_eq!(bearer(&known, "host.writer"), is("host.writer", &["notes:write"]));
        assert_eq!(known.meant(&name("writer")), None);
    }

    #[test]
    fn where_nothing_shadows_it_the_hosts_role_has_two_names_and_shows_the_plain_one() {
        let known = roles(&[]);
        for asked in ["writer", "host.writer"] {
            assert_eq!(known.meant(&name(asked)), Some(name("host.writer")));
        }
        assert_eq!(bearer(&known, "host.writer"), is("writer", &["notes:write"]));
        for unknown in ["host.owner", "host.member", "host.gone", "gone"] {
            assert_eq!(known.meant(&name(unknown)), None, "{unknown}");
            assert_eq!(known.registry().names(&known.union(&[name(unknown)])), [""; 0], "{unknown}");
        }
        // A plain name in a row means a role of the organization's own, never the host's.
        assert_eq!(known.registry().names(&known.union(&[name("writer")])), [""; 0]);
        assert_eq!(known.registry().discrepancies().len(), 3);
    }
}
