//! Roles, by the specification: the built-in ones, the host's, and those of an organization's own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tenantry_core::{
    error::ErrorKind,
    registry::{Registry, RegistryError},
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

/// The roles of every organization, from the highest to the lowest. `inviter` is the host's.
pub(super) const ROLES: [&str; 4] = ["owner", "admin", "inviter", "member"];

/// What the host of the model registers.
pub(super) fn registry() -> Result<Registry, RegistryError> {
    let inviter = ["org:view", "members:view", "members:manage"];
    Registry::builder().permission("notes:write").role("inviter", inviter).build()
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
    pub(super) fn roles(&self) -> Vec<&'static str> {
        let own = self.living().map(|own| own.name);
        ROLES[..3].iter().copied().chain(own).chain(["member"]).collect()
    }

    /// The role that whoever bears this name has.
    fn current(&self, role: &'static str) -> &'static str {
        let own = self.own_roles.iter().find(|own| own.name == role && !ROLES.contains(&role));
        own.and_then(|own| own.replaced_by).unwrap_or(role)
    }

    /// The roles that whoever bears these names has, from the highest to the lowest, each once.
    pub(super) fn ranked(&self, names: &[&'static str]) -> Vec<&'static str> {
        let current: Vec<_> = names.iter().map(|role| self.current(role)).collect();
        self.roles().into_iter().filter(|role| current.contains(role)).collect()
    }

    /// What whoever bears these names may do.
    pub(super) fn permissions_of(&self, names: &[&'static str]) -> BTreeSet<&'static str> {
        let of_one = |role: &'static str| {
            let permits = |permission: &&str| match role {
                "owner" => true,
                "admin" => *permission != "org:delete",
                "inviter" => ["org:view", "members:view", "members:manage"].contains(permission),
                "member" => ["org:view", "members:view"].contains(permission),
                role => self.living().any(|own| own.name == role && own.permissions.contains(permission)),
            };
            PERMISSIONS.into_iter().filter(move |permission| permits(permission)).collect::<Vec<_>>()
        };
        self.ranked(names).into_iter().flat_map(of_one).collect()
    }

    pub(super) fn require_known(&self, roles: &[&'static str]) -> Result<(), ErrorKind> {
        let known = self.roles();
        if roles.iter().all(|role| known.contains(role)) { Ok(()) } else { Err(ErrorKind::InvalidRequest) }
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
    pub(super) fn show_roles(&self, by: Actor, org: Option<usize>) -> Move {
        let nowhere = Self::organization(String::new(), self.now);
        let organization = org.map_or(&nowhere, |org| &self.organizations[org]);
        let allowed = match org {
            Some(org) => self.rights(by, org, "org:view").map(|_| ()),
            None => self.authenticated(by),
        };
        let expected = allowed.map(|()| {
            let roles = organization.roles();
            let permitted = |role: &'static str| json!(in_order(&organization.permissions_of(&[role])));
            let matrix: Map<_, _> = roles.iter().map(|role| ((*role).to_owned(), permitted(role))).collect();
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
        let allowed = self.rights(by, org, "org:manage").and_then(|rights| {
            let permissions = known(permissions)?;
            rights.may_give(&permissions)?;
            let organization = &self.organizations[org];
            // A name is free when nobody bears it any more.
            let is_deleted = organization.own_roles.iter().any(|own| own.name == role && own.replaced_by.is_some());
            let taken = organization.roles().contains(&role) || is_deleted && organization.bearers(role) > 0;
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
                organization.require_known(&[replacement])?;
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
