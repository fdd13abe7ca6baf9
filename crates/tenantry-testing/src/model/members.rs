//! Members, by the specification.

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::Move,
    people::{Address, Person, STRANGER, holds},
    plain::{Invitation, Member, Organization, Plain, State},
    step::Actor,
};

impl Plain {
    pub(super) fn members(&self, by: Actor, org: usize, invited: bool, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let input = json!({ "organizationId": organization.id, "withInvitations": invited, "limit": limit });
        // The addresses of those who are invited are for who manages.
        let allowed = self.rights(by, org, "members:view");
        let allowed =
            allowed.and_then(|_| if invited { self.rights(by, org, "members:manage").map(|_| ()) } else { Ok(()) });
        let expected = allowed.map(|()| {
            let members = organization.members.iter().map(|member| self.shown_member(organization, member));
            let open = organization
                .invitations
                .iter()
                .filter(|invitation| invited && invitation.state == State::Open && invitation.expires_at > self.now);
            let open = open.map(|invitation| {
                let field = if matches!(invitation.to, Address::Email(_)) { "email" } else { "username" };
                let roles = organization.ranked(&invitation.roles);
                json!({ "userId": null, field: invitation.spelled, "roles": roles, "status": "pending" })
            });
            json!({ "members": members.chain(open).collect::<Vec<_>>() })
        });
        Move::new(by, "members/list", input, expected)
    }

    fn shown_member(&self, organization: &Organization, member: &Member) -> Value {
        let id = self.people.id(member.person);
        let roles = organization.ranked(&member.roles);
        json!({
            "userId": id,
            "username": (member.person != STRANGER).then_some(&id),
            "email": member.email,
            "name": member.name,
            "number": member.number,
            "role": roles[0],
            "roles": roles,
            "workspaces": organization.workspace_ids(member),
            "status": "active",
        })
    }

    pub(super) fn one_member(&self, org: usize, who: Person) -> Result<Value, ErrorKind> {
        let organization = &self.organizations[org];
        let member = organization.member(who).ok_or(ErrorKind::NotFound)?;
        Ok(json!({ "member": self.shown_member(organization, member) }))
    }

    pub(super) fn get_member(&self, by: Actor, org: usize, who: Person) -> Move {
        let expected = self.rights(by, org, "members:view").and_then(|_| self.one_member(org, who));
        Move::new(by, "members/get", self.about(org, who), expected)
    }

    pub(super) fn remove(&mut self, by: Actor, org: usize, who: Person, revokes: bool) -> Move {
        let mut input = self.about(org, who);
        input["revokeIssued"] = json!(revokes);
        let expected = self.rights(by, org, "members:manage").and_then(|rights| {
            let organization = &mut self.organizations[org];
            let is_member = organization.member(who).is_some();
            if revokes {
                organization.may_revoke(who, &rights, is_member)?;
            }
            if is_member {
                organization.take_ownership(who, rights.owner)?;
                organization.lose(who);
            }
            let left = organization.left_by(who, rights.hold("tokens:manage"));
            let nothing = json!({ "invitations": [], "joinCodes": [], "apiTokens": [] });
            if !revokes {
                return Ok(json!({ "ok": true, "left": left, "more": false, "revoked": nothing }));
            }
            if organization.revoke_issued(who) && !is_member {
                organization.events += 1;
            }
            Ok(json!({ "ok": true, "left": nothing, "more": false, "revoked": left }))
        });
        Move::new(by, "members/remove", input, expected)
    }

    pub(super) fn leave(&mut self, by: Actor, org: usize) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id });
        let expected = self.person(by).and_then(|person| {
            self.place(by, org)?;
            let organization = &mut self.organizations[org];
            organization.member(person).ok_or(ErrorKind::NotFound)?;
            organization.take_ownership(person, true)?;
            organization.lose(person);
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "leave", input, expected)
    }

    /// Takes them out of all organizations, also where they are the last owner.
    pub(super) fn forget(&mut self, by: Actor, who: Person) -> Move {
        let input = json!({ "userId": self.people.id(who) });
        let expected = self.platform(by).map(|()| {
            let theirs = |one: &&mut Organization| !one.gone && one.member(who).is_some();
            let mut removed_from = 0;
            for organization in self.organizations.iter_mut().filter(theirs) {
                let owners = organization.owners.len();
                organization.owners.retain(|owner| *owner != who);
                organization.version += u64::from(organization.owners.len() < owners);
                organization.lose(who);
                removed_from += 1;
            }
            json!({ "removedFrom": removed_from, "more": false })
        });
        Move::new(by, "accounts/forget", input, expected)
    }

    /// Changes what they are called, in all organizations; an empty text takes the name away.
    pub(super) fn rename(&mut self, by: Actor, who: Person, name: &'static str) -> Move {
        let input = json!({ "userId": self.people.id(who), "name": name });
        let name = Some(name).filter(|name| !name.is_empty());
        let expected = self.platform(by).map(|()| {
            let mut updated_in = 0;
            for organization in self.organizations.iter_mut().filter(|organization| !organization.gone) {
                let Some(member) = organization.members.iter_mut().find(|member| member.person == who) else {
                    continue;
                };
                updated_in += 1;
                organization.events += usize::from(member.name != name);
                member.name = name;
            }
            json!({ "ok": true, "updatedIn": updated_in, "more": false })
        });
        Move::new(by, "accounts/update", input, expected)
    }

    /// The heir takes the caller's place among the owners, and the caller becomes an admin.
    pub(super) fn transfer(&mut self, by: Actor, org: usize, heir: Person) -> Move {
        let input = self.about(org, heir);
        let expected = self.person(by).and_then(|person| {
            if !self.place(by, org)?.owner {
                return Err(ErrorKind::Forbidden);
            }
            let organization = &mut self.organizations[org];
            organization.member(heir).ok_or(ErrorKind::NotFound)?;
            if heir != person || !organization.owners.contains(&heir) {
                organization.owners.retain(|owner| *owner != heir);
                if let Some(owner) = organization.owners.iter_mut().find(|owner| **owner == person) {
                    *owner = heir;
                    organization.give(person, &["admin"]);
                } else {
                    organization.owners.push(heir);
                }
                organization.give(heir, &["owner"]);
                organization.version += 1;
                organization.events += 1;
            }
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "transfer-ownership", input, expected)
    }

    pub(super) fn set_role(&mut self, by: Actor, org: usize, who: Person, role: &'static str) -> Move {
        let mut input = self.about(org, who);
        input["role"] = json!(role);
        let expected = self.assign(by, org, who, &[role]);
        Move::new(by, "members/set-role", input, expected.map(|()| json!({ "ok": true })))
    }

    pub(super) fn update_member(&mut self, by: Actor, org: usize, who: Person, roles: &'static [&'static str]) -> Move {
        let mut input = self.about(org, who);
        input["roles"] = json!((!roles.is_empty()).then_some(roles));
        let expected = self.assign(by, org, who, roles).and_then(|()| self.one_member(org, who));
        Move::new(by, "members/update", input, expected)
    }

    fn about(&self, org: usize, who: Person) -> Value {
        json!({ "organizationId": self.organizations[org].id, "userId": self.people.id(who) })
    }

    /// Gives these roles in place of the others; of none, the others stay.
    fn assign(&mut self, by: Actor, org: usize, who: Person, roles: &[&'static str]) -> Result<(), ErrorKind> {
        let rights = self.rights(by, org, "members:manage")?;
        let organization = &mut self.organizations[org];
        let asked = organization.meant(roles)?;
        let member = organization.member(who).ok_or(ErrorKind::NotFound)?.clone();
        if roles.is_empty() {
            return Ok(());
        }
        let was_owner = member.roles.contains(&"owner");
        if was_owner && !rights.owner {
            return Err(ErrorKind::Forbidden);
        }
        organization.may_grant(&rights, &asked)?;
        let roles = asked;
        if member.roles == roles {
            return Ok(());
        }
        if was_owner && !roles.contains(&"owner") {
            organization.take_ownership(who, true)?;
        } else if !was_owner && roles.contains(&"owner") {
            organization.owners.push(who);
            organization.version += 1;
        }
        organization.give(who, &roles);
        organization.events += 1;
        Ok(())
    }
}

impl Organization {
    /// What somebody is told who is a member with these roles, and might have been given those.
    pub(super) fn joined(&self, roles: &[&'static str], already: bool, offered: &[&'static str]) -> Value {
        let held = self.permissions_of(roles);
        let mut beyond = self.in_order(offered);
        beyond.retain(|role| {
            !self.permissions_of(&[role]).is_subset(&held) || *role == "owner" && !roles.contains(&"owner")
        });
        json!({
            "organizationId": self.id,
            "role": self.ranked(roles)[0],
            "alreadyMember": already,
            "notGranted": beyond.into_iter().map(|role| self.called(role)).collect::<Vec<_>>(),
        })
    }

    /// The roles of all that is open for the person.
    pub(super) fn roles_open_for(&self, person: Person) -> Vec<&'static str> {
        let open = |invitation: &&Invitation| invitation.state == State::Open && holds(person, invitation.to);
        self.invitations.iter().filter(open).flat_map(|invitation| invitation.roles.iter().copied()).collect()
    }

    /// Whoever is an owner is one no more: at an owner's hands only, and not the last one.
    fn take_ownership(&mut self, person: Person, by_owner: bool) -> Result<(), ErrorKind> {
        if !self.owners.contains(&person) {
            return Ok(());
        }
        if !by_owner {
            return Err(ErrorKind::Forbidden);
        }
        if self.owners.len() == 1 {
            return Err(ErrorKind::LastOwner);
        }
        self.owners.retain(|owner| *owner != person);
        self.version += 1;
        Ok(())
    }

    fn lose(&mut self, person: Person) {
        self.members.retain(|member| member.person != person);
        self.end_invitations(person, State::Revoked);
        self.events += 1;
    }

    fn give(&mut self, person: Person, roles: &[&'static str]) {
        for member in self.members.iter_mut().filter(|member| member.person == person) {
            member.roles = roles.to_vec();
        }
    }
}
