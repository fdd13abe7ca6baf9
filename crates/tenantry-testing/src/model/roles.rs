//! Roles, by the specification: the built-in ones, the host's, and those of an organization's own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tenantry_core::{
    access::registry::{Registry, RegistryError},
    values::error::ErrorKind,
};

use super::{
    moves::Move,
    plain::{Organization, Plain, Rights, State},
    step::Actor,
};

/// All permissions, in the order in which a list names them. The last one is the host's.
pub(super) const PERMISSIONS: [&str; 9] = [
    "org:view",
    "org:manage",
    "org:delete",
    "members:view",
    "members:manage",
    "tokens:manage",
    "audit:view",
    "wallet:view",
    "notes:write",
];

/// The roles that every organization has.
const BUILT_IN: [&str; 3] = ["owner", "admin", "member"];

/// What the host of the model registers: `helper` in some of its versions, and in others not.
pub(super) fn registry(with_helper: bool) -> Result<Registry, RegistryError> {
    let registry = Registry::builder().permission("notes:write").role("inviter", INVITER);
    if with_helper { registry.role("helper", HELPER) } else { registry }.build()
}

const INVITER: [&str; 3] = ["org:view", "members:view", "members:manage"];
const HELPER: [&str; 3] = ["org:view", "org:manage", "notes:write"];

/// The roles that it has then, as they are told from others, from the highest to the lowest.
pub(super) fn host_roles(with_helper: bool) -> &'static [&'static str] {
    if with_helper { &["host.inviter", "host.helper"] } else { &["host.inviter"] }
}

/// In the order in which a list names them, each once.
pub(super) fn in_order(permissions: &BTreeSet<&str>) -> Vec<&'static str> {
    PERMISSIONS.into_iter().filter(|permission| permissions.contains(permission)).collect()
}

/// A role that an organization defined for itself.
#[derive(Debug)]
pub(super) struct OwnRole {
    name: &'static str,
    number: usize,
    permissions: BTreeSet<&'static str>,
    /// It was deleted, and whoever bears its name has this one.
    replaced_by: Option<&'static str>,
}

impl OwnRole {
    fn shown(&self) -> Value {
        json!({ "role": self.name, "number": self.number, "permissions": in_order(&self.permissions) })
    }
}

impl Organization {
    fn living(&self) -> impl Iterator<Item = &OwnRole> {
        self.own_roles.iter().filter(|own| own.replaced_by.is_none())
    }

    /// All roles that can be given, from the highest to the lowest.
    fn roles(&self) -> Vec<&'static str> {
        let own = self.living().map(|own| own.name);
        ["owner", "admin"].into_iter().chain(self.host_roles.iter().copied()).chain(own).chain(["member"]).collect()
    }

    fn own(&self, name: &str) -> Option<&OwnRole> {
        self.own_roles.iter().find(|own| own.name == name)
    }

    /// What a name means that somebody gives: the organization's own role comes first, as long as its name is borne.
    fn meaning(&self, name: &'static str) -> Option<&'static str> {
        match self.own(name) {
            Some(own) => own.replaced_by.is_none().then_some(name),
            None if BUILT_IN.contains(&name) => Some(name),
            None => self.host_roles.iter().copied().find(|role| *role == name || role[5..] == *name),
        }
    }

    /// What a role is called: without `host.`, unless the organization has given that name to one of its own.
    pub(super) fn called(&self, role: &'static str) -> &'static str {
        role.strip_prefix("host.").filter(|plain| self.own(plain).is_none()).unwrap_or(role)
    }

    /// The role that whoever was given this one has.
    fn current(&self, role: &'static str) -> &'static str {
        self.own(role).and_then(|own| own.replaced_by).unwrap_or(role)
    }

    /// The roles that whoever was given these has, from the highest to the lowest, each once; those that the host has
    /// dropped come last.
    pub(super) fn in_order(&self, roles: &[&'static str]) -> Vec<&'static str> {
        let current: BTreeSet<_> = roles.iter().map(|role| self.current(role)).collect();
        let known = self.roles();
        let dropped = current.iter().copied().filter(|role| !known.contains(role));
        known.iter().copied().filter(|role| current.contains(role)).chain(dropped).collect()
    }

    /// What they are called.
    pub(super) fn ranked(&self, roles: &[&'static str]) -> Vec<&'static str> {
        self.in_order(roles).into_iter().map(|role| self.called(role)).collect()
    }

    /// What whoever was given these roles may do.
    pub(super) fn permissions_of(&self, roles: &[&'static str]) -> BTreeSet<&'static str> {
        let of_one = |role: &'static str| {
            let permits = |permission: &&str| match role {
                "owner" => true,
                "admin" => *permission != "org:delete",
                "host.inviter" => INVITER.contains(permission),
                "host.helper" => self.host_roles.contains(&role) && HELPER.contains(permission),
                "member" => ["org:view", "members:view"].contains(permission),
                role => self.living().any(|own| own.name == role && own.permissions.contains(permission)),
            };
            PERMISSIONS.into_iter().filter(move |permission| permits(permission)).collect::<Vec<_>>()
        };
        self.in_order(roles).into_iter().flat_map(of_one).collect()
    }

    /// The roles that somebody means by these names, all of which must be known; from the highest to the lowest.
    pub(super) fn meant(&self, names: &[&'static str]) -> Result<Vec<&'static str>, ErrorKind> {
        let meant: Option<Vec<_>> = names.iter().map(|name| self.meaning(name)).collect();
        meant.map(|roles| self.in_order(&roles)).ok_or(ErrorKind::InvalidRequest)
    }

    /// Nobody grants what they lack, and only an owner makes an owner.
    pub(super) fn may_grant(&self, rights: &Rights, roles: &[&'static str]) -> Result<(), ErrorKind> {
        if roles.contains(&"owner") && !rights.owner {
            return Err(ErrorKind::GrantExceedsOwn);
        }
        rights.may_give(&self.permissions_of(roles))
    }

    /// How many members, open invitations and join codes bear the name.
    fn bearers(&self, role: &str) -> usize {
        let members = self.members.iter().filter(|member| member.roles.contains(&role));
        let invitations = self.invitations.iter().filter(|one| one.state == State::Open && one.roles.contains(&role));
        let codes = self.codes.iter().filter(|code| !code.revoked && code.role == role);
        members.count() + invitations.count() + codes.count()
    }
}

fn known(permissions: &[&'static str]) -> Result<BTreeSet<&'static str>, ErrorKind> {
    let known = permissions.iter().all(|permission| PERMISSIONS.contains(permission));
    if known { Ok(permissions.iter().copied().collect()) } else { Err(ErrorKind::InvalidRequest) }
}

impl Plain {
    pub(super) fn deploy(&mut self, with_helper: bool) {
        self.host_roles = host_roles(with_helper);
        for organization in &mut self.organizations {
            organization.host_roles = self.host_roles;
        }
    }

    pub(super) fn show_roles(&self, by: Actor, org: Option<usize>) -> Move {
        let nowhere = self.organization(String::new());
        let organization = org.map_or(&nowhere, |org| &self.organizations[org]);
        let allowed = match org {
            Some(org) => self.rights(by, org, "org:view").map(|_| ()),
            None => self.authenticated(by),
        };
        let expected = allowed.map(|()| {
            let roles = organization.roles();
            let permitted = |role: &'static str| json!(in_order(&organization.permissions_of(&[role])));
            let matrix: Map<_, _> =
                roles.iter().map(|role| (organization.called(role).to_owned(), permitted(role))).collect();
            let roles: Vec<_> = roles.into_iter().map(|role| organization.called(role)).collect();
            let own: Vec<_> = organization.living().map(OwnRole::shown).collect();
            json!({ "roles": roles, "permissions": PERMISSIONS, "matrix": matrix, "own": own })
        });
        let id = org.map(|org| self.organizations[org].id.clone());
        Move::new(by, "roles", json!({ "organizationId": id }), expected)
    }

    pub(super) fn define_role(
        &mut self,
        by: Actor,
        org: usize,
        role: &'static str,
        permissions: &'static [&'static str],
    ) -> Move {
        let id = &self.organizations[org].id;
        let input = json!({ "organizationId": id, "role": role, "permissions": permissions });
        // Such a name is the host's.
        let valid = if role.starts_with("host.") { Err(ErrorKind::InvalidRequest) } else { Ok(()) };
        let allowed = valid.and_then(|()| self.rights(by, org, "org:manage")).and_then(|rights| {
            let permissions = known(permissions)?;
            rights.may_give(&permissions)?;
            let organization = &self.organizations[org];
            // A name is free when nobody bears it any more.
            let is_deleted = organization.own_roles.iter().any(|own| own.name == role && own.replaced_by.is_some());
            let is_known = organization.living().any(|own| own.name == role)
                || BUILT_IN
                    .iter()
                    .chain(organization.host_roles)
                    .any(|known| known.trim_start_matches("host.") == role);
            let taken = is_known || is_deleted && organization.bearers(role) > 0;
            if taken { Err(ErrorKind::RoleTaken) } else { Ok(permissions) }
        });
        let expected = allowed.map(|permissions| {
            let organization = &mut self.organizations[org];
            let borne: Vec<_> = organization.own_roles.iter().map(|own| organization.bearers(own.name) > 0).collect();
            let mut borne = borne.into_iter();
            organization.own_roles.retain(|own| borne.next().unwrap_or(true) || own.replaced_by.is_none());
            organization.own_roles_made += 1;
            let number = organization.own_roles_made;
            let own = OwnRole { name: role, number, permissions, replaced_by: None };
            let shown = own.shown();
            organization.own_roles.push(own);
            organization.events += 1;
            json!({ "role": shown })
        });
        Move::new(by, "roles/create", input, expected)
    }

    pub(super) fn change_role(
        &mut self,
        by: Actor,
        org: usize,
        role: &'static str,
        permissions: Option<&'static [&'static str]>,
    ) -> Move {
        let id = &self.organizations[org].id;
        let input = json!({ "organizationId": id, "role": role, "permissions": permissions });
        let rights = self.rights(by, org, "org:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|rights| {
            let asked = permissions.map(known).transpose()?;
            let own = organization.own_roles.iter_mut().find(|own| own.name == role && own.replaced_by.is_none());
            let own = own.ok_or(ErrorKind::NotFound)?;
            rights.may_give(&own.permissions)?;
            if let Some(asked) = asked.filter(|asked| *asked != own.permissions) {
                rights.may_give(&asked)?;
                own.permissions = asked;
                organization.events += 1;
            }
            Ok(json!({ "role": own.shown() }))
        });
        Move::new(by, "roles/update", input, expected)
    }

    pub(super) fn delete_role(
        &mut self,
        by: Actor,
        org: usize,
        role: &'static str,
        replacement: Option<&'static str>,
    ) -> Move {
        let id = &self.organizations[org].id;
        let input = json!({ "organizationId": id, "role": role, "replacement": replacement });
        let rights = self.rights(by, org, "org:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|rights| {
            let own = organization.living().find(|own| own.name == role).ok_or(ErrorKind::NotFound)?;
            rights.may_give(&own.permissions)?;
            let leads_here = |own: &OwnRole| own.name == role || own.replaced_by == Some(role);
            if let Some(replacement) = replacement {
                if replacement == role || replacement == "owner" {
                    return Err(ErrorKind::InvalidRequest);
                }
                let replacement = organization.meant(&[replacement])?[0];
                organization.may_grant(&rights, &[replacement])?;
                let leading = organization.own_roles.iter_mut().filter(|own| leads_here(own));
                leading.for_each(|own| own.replaced_by = Some(replacement));
            } else {
                let leading = organization.own_roles.iter().filter(|own| leads_here(own));
                if leading.map(|own| organization.bearers(own.name)).sum::<usize>() > 0 {
                    return Err(ErrorKind::RoleInUse);
                }
                organization.own_roles.retain(|own| !leads_here(own));
            }
            organization.events += 1;
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "roles/delete", input, expected)
    }
}
