//! Organizations and their members, by the specification.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tenantry_core::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::{Address, Person, verified_email},
    plain::{Member, Organization, PERMISSIONS, Plain, ROLES, State, ordered, permissions_of},
    step::{Actor, IfVersion},
};

/// What the slug of that number is called in this run.
fn slug_text(plain: &Plain, slug: Option<usize>) -> Option<String> {
    slug.map(|number| format!("slug-{number}-{}", plain.people.tag))
}

impl Plain {
    fn slug_is_free(&self, slug: Option<&str>, but: Option<usize>) -> Result<(), ErrorKind> {
        let mut others = self.organizations.iter().enumerate().filter(|(place, _)| Some(*place) != but);
        let taken = slug.is_some_and(|slug| others.any(|(_, organization)| organization.slug == slug));
        if taken { Err(ErrorKind::SlugTaken) } else { Ok(()) }
    }

    pub(super) fn create(&mut self, by: Actor, name: &str, slug: Option<usize>) -> Move {
        let slug = slug_text(self, slug);
        let input = json!({ "name": name, "slug": slug });
        let person = self.person(by).and_then(|person| {
            self.slug_is_free(slug.as_deref(), None)?;
            Ok(person)
        });
        let expected = person.map(|person| {
            self.joins += 1;
            let organization = Organization {
                id: String::new(),
                name: name.trim().to_owned(),
                slug: slug.unwrap_or_default(),
                version: 1,
                owners: vec![person],
                members: vec![Member { person, roles: vec!["owner"], workspaces: BTreeSet::new(), joined: self.joins }],
                invitations: Vec::new(),
                codes: Vec::new(),
                tokens: Vec::new(),
                workspaces: Vec::new(),
                events: 1,
            };
            let shown = organization.shown(&self.people);
            self.organizations.push(organization);
            json!({ "organization": shown })
        });
        Move::new(by, "create", input, expected)
            .learning(Learn::Organization(self.organizations.len().saturating_sub(1)))
    }

    pub(super) fn get(&self, by: Actor, org: usize) -> Move {
        let expected = self.rights(by, org, "org:view");
        let organization = &self.organizations[org];
        let expected = expected.map(|_| json!({ "organization": organization.shown(&self.people) }));
        Move::new(by, "get", json!({ "organizationId": organization.id }), expected)
    }

    pub(super) fn list(&self, by: Actor, limit: Option<u32>) -> Move {
        let expected = self.person(by).map(|person| {
            let mut memberships: Vec<_> = self
                .organizations
                .iter()
                .filter_map(|organization| organization.member(person).map(|member| (organization, member)))
                .collect();
            memberships.sort_by_key(|(_, member)| member.joined);
            let shown = memberships.into_iter().map(|(organization, member)| {
                let permissions = ordered(&PERMISSIONS, member.roles.iter().flat_map(|role| permissions_of(role)));
                json!({
                    "organization": organization.shown(&self.people),
                    "role": member.roles[0],
                    "roles": member.roles,
                    "permissions": permissions,
                })
            });
            json!({ "organizations": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "list", json!({ "limit": limit }), expected)
    }

    pub(super) fn update(
        &mut self,
        by: Actor,
        org: usize,
        name: Option<&str>,
        slug: Option<usize>,
        version: IfVersion,
    ) -> Move {
        let slug = slug_text(self, slug);
        let rights = self.rights(by, org, "org:manage");
        let free = self.slug_is_free(slug.as_deref(), Some(org));
        let people = self.people.clone();
        let organization = &mut self.organizations[org];
        let if_version = match version {
            IfVersion::Unsaid => None,
            IfVersion::Current => Some(organization.version),
            IfVersion::Other => Some(organization.version + 7),
        };
        let input = json!({ "organizationId": organization.id, "name": name, "slug": slug, "ifVersion": if_version });
        let expected =
            rights.and(if matches!(version, IfVersion::Other) { Err(ErrorKind::Stale) } else { free }).map(|()| {
                let name = name.map_or_else(|| organization.name.clone(), |name| name.trim().to_owned());
                let slug = slug.unwrap_or_else(|| organization.slug.clone());
                if (&name, &slug) != (&organization.name, &organization.slug) {
                    (organization.name, organization.slug) = (name, slug);
                    organization.version += 1;
                    organization.events += 1;
                }
                json!({ "ok": true, "organization": organization.shown(&people) })
            });
        Move::new(by, "update", input, expected)
    }

    pub(super) fn roles(&self, by: Actor, org: Option<usize>) -> Move {
        let allowed = match org {
            Some(org) => self.rights(by, org, "org:view").map(|_| ()),
            None => self.authenticated(by),
        };
        let expected = allowed.map(|()| {
            let matrix: Map<String, Value> = ROLES
                .iter()
                .map(|role| ((*role).to_owned(), json!(ordered(&PERMISSIONS, permissions_of(role)))))
                .collect();
            json!({ "roles": ROLES, "permissions": PERMISSIONS, "matrix": matrix })
        });
        let id = org.map(|org| self.organizations[org].id.clone());
        Move::new(by, "roles", json!({ "organizationId": id }), expected)
    }

    pub(super) fn members(&self, by: Actor, org: usize, invited: bool, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let input = json!({ "organizationId": organization.id, "withInvitations": invited, "limit": limit });
        let expected = self.rights(by, org, "members:view").map(|_| {
            let members = organization.members.iter().map(|member| {
                let email = verified_email(member.person).map(|address| self.people.spelled(address, 0));
                let id = self.people.id(member.person);
                let workspaces = organization.workspace_ids(member);
                json!({
                    "userId": id, "username": id, "email": email, "roles": member.roles, "workspaces": workspaces,
                    "status": "active",
                })
            });
            let open = organization
                .invitations
                .iter()
                .filter(|invitation| invited && invitation.state == State::Open && invitation.expires_at > self.now);
            let open = open.map(|invitation| {
                let field = if matches!(invitation.to, Address::Email(_)) { "email" } else { "username" };
                json!({ "userId": null, field: invitation.spelled, "roles": invitation.roles, "status": "pending" })
            });
            json!({ "members": members.chain(open).collect::<Vec<_>>() })
        });
        Move::new(by, "members/list", input, expected)
    }

    pub(super) fn remove(&mut self, by: Actor, org: usize, who: Person) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id, "userId": self.people.id(who) });
        let rights = self.rights(by, org, "members:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|rights| {
            if organization.member(who).is_none() {
                return Ok(());
            }
            organization.take_ownership(who, rights.owner)?;
            organization.members.retain(|member| member.person != who);
            organization.events += 1;
            Ok(())
        });
        Move::new(by, "members/remove", input, expected.map(|()| json!({ "ok": true })))
    }

    pub(super) fn set_role(&mut self, by: Actor, org: usize, who: Person, role: &'static str) -> Move {
        let id = self.organizations[org].id.clone();
        let input = json!({ "organizationId": id, "userId": self.people.id(who), "role": role });
        let expected = self.assign(by, org, who, &[role]);
        Move::new(by, "members/set-role", input, expected.map(|()| json!({ "ok": true })))
    }

    pub(super) fn update_member(&mut self, by: Actor, org: usize, who: Person, roles: &'static [&'static str]) -> Move {
        let (id, user) = (self.organizations[org].id.clone(), self.people.id(who));
        let asked = (!roles.is_empty()).then_some(roles);
        let input = json!({ "organizationId": id, "userId": user, "roles": asked });
        let expected = self.assign(by, org, who, roles).and_then(|()| self.member_shown(org, who));
        Move::new(by, "members/update", input, expected)
    }

    pub(super) fn get_member(&self, by: Actor, org: usize, who: Person) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id, "userId": self.people.id(who) });
        let expected = self.rights(by, org, "members:view").and_then(|_| self.member_shown(org, who));
        Move::new(by, "members/get", input, expected)
    }

    pub(super) fn member_shown(&self, org: usize, who: Person) -> Result<Value, ErrorKind> {
        let organization = &self.organizations[org];
        let member = organization.member(who).ok_or(ErrorKind::NotFound)?;
        let shown = json!({
            "userId": self.people.id(who), "role": member.roles[0], "roles": member.roles,
            "workspaces": organization.workspace_ids(member),
        });
        Ok(json!({ "member": shown }))
    }

    /// Gives these roles in place of the others; of none, the others stay.
    fn assign(&mut self, by: Actor, org: usize, who: Person, roles: &[&'static str]) -> Result<(), ErrorKind> {
        let rights = self.rights(by, org, "members:manage")?;
        if roles.iter().any(|role| !ROLES.contains(role)) {
            return Err(ErrorKind::InvalidRequest);
        }
        let organization = &mut self.organizations[org];
        let member = organization.member(who).ok_or(ErrorKind::NotFound)?.clone();
        if roles.is_empty() {
            return Ok(());
        }
        let was_owner = member.roles.contains(&"owner");
        if was_owner && !rights.owner {
            return Err(ErrorKind::Forbidden);
        }
        rights.may_grant(roles)?;
        let roles = ordered(&ROLES, roles.iter().copied());
        if member.roles == roles {
            return Ok(());
        }
        if was_owner && !roles.contains(&"owner") {
            organization.take_ownership(who, true)?;
        } else if !was_owner && roles.contains(&"owner") {
            organization.owners.push(who);
            organization.version += 1;
        }
        for member in organization.members.iter_mut().filter(|member| member.person == who) {
            member.roles.clone_from(&roles);
        }
        organization.events += 1;
        Ok(())
    }
}

impl Organization {
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
}
