//! Workspaces and who is assigned to them, by the specification.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::Person,
    plain::{Member, Organization, Plain, Workspace},
    step::{Actor, Spelling},
};

impl Plain {
    pub(super) fn make_workspace(&mut self, by: Actor, org: usize, name: Spelling) -> Move {
        let input = json!({ "organizationId": self.organizations[org].id, "name": name.1 });
        let place = self.organizations[org].workspaces.len();
        let rights = self.rights(by, org, "org:manage");
        let expected = rights.and_then(|_| self.organizations[org].name_is_free(name, None)).map(|()| {
            let workspace = Workspace { id: String::new(), name, deleted: false };
            let shown = shown(&workspace);
            self.workspaces.push((org, place));
            self.organizations[org].workspaces.push(workspace);
            self.organizations[org].events += 1;
            json!({ "workspace": shown })
        });
        Move::new(by, "workspaces/create", input, expected).learning(Learn::Workspace(org, place))
    }

    pub(super) fn workspaces(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self.rights(by, org, "org:view").map(|_| {
            let there = organization.workspaces.iter().filter(|workspace| !workspace.deleted);
            json!({ "workspaces": there.map(shown).collect::<Vec<_>>() })
        });
        Move::new(by, "workspaces/list", json!({ "organizationId": organization.id, "limit": limit }), expected)
    }

    pub(super) fn rename_workspace(
        &mut self,
        by: Actor,
        org: usize,
        (home, place): (usize, usize),
        name: Spelling,
    ) -> Move {
        let id = &self.organizations[home].workspaces[place].id;
        let input = json!({ "organizationId": self.organizations[org].id, "id": id, "name": name.1 });
        let rights = self.rights(by, org, "org:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|_| {
            if org != home || organization.workspaces[place].deleted {
                return Err(ErrorKind::NotFound);
            }
            organization.name_is_free(name, Some(place))?;
            let workspace = &mut organization.workspaces[place];
            if workspace.name.1.trim() != name.1.trim() {
                workspace.name = name;
                organization.events += 1;
            }
            Ok(json!({ "workspace": shown(&organization.workspaces[place]) }))
        });
        Move::new(by, "workspaces/update", input, expected)
    }

    pub(super) fn delete_workspace(&mut self, by: Actor, org: usize, (home, place): (usize, usize)) -> Move {
        let id = &self.organizations[home].workspaces[place].id;
        let input = json!({ "organizationId": self.organizations[org].id, "id": id });
        let rights = self.rights(by, org, "org:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|_| {
            if org != home || organization.workspaces[place].deleted {
                return Err(ErrorKind::NotFound);
            }
            organization.workspaces[place].deleted = true;
            for member in &mut organization.members {
                member.workspaces.remove(&place);
            }
            organization.events += 1;
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "workspaces/delete", input, expected)
    }

    pub(super) fn assign_workspaces(&mut self, by: Actor, org: usize, who: Person, places: &[(usize, usize)]) -> Move {
        let ids: Vec<_> = places.iter().map(|(home, place)| &self.organizations[*home].workspaces[*place].id).collect();
        let user = self.people.id(who);
        let input = json!({ "organizationId": self.organizations[org].id, "userId": user, "workspaces": ids });
        let rights = self.rights(by, org, "members:manage");
        let organization = &mut self.organizations[org];
        let assigned = rights.and_then(|rights| {
            let member = organization.member(who).ok_or(ErrorKind::NotFound)?;
            if member.roles.contains(&"owner") && !rights.owner {
                return Err(ErrorKind::Forbidden);
            }
            if places.iter().any(|(home, place)| *home != org || organization.workspaces[*place].deleted) {
                return Err(ErrorKind::NotFound);
            }
            let asked: BTreeSet<_> = places.iter().map(|(_, place)| *place).collect();
            if member.workspaces != asked {
                organization.events += 1;
                for member in organization.members.iter_mut().filter(|member| member.person == who) {
                    member.workspaces.clone_from(&asked);
                }
            }
            Ok(())
        });
        let expected = assigned.and_then(|()| self.one_member(org, who));
        Move::new(by, "members/update", input, expected)
    }
}

impl Organization {
    /// Whether no workspace but that at the place `but` has the name, however it is spelled.
    fn name_is_free(&self, name: Spelling, but: Option<usize>) -> Result<(), ErrorKind> {
        let others = self.workspaces.iter().enumerate().filter(|(place, _)| Some(*place) != but);
        let taken = others.into_iter().any(|(_, other)| !other.deleted && other.name.0 == name.0);
        if taken { Err(ErrorKind::WorkspaceTaken) } else { Ok(()) }
    }

    pub(super) fn workspace_ids(&self, member: &Member) -> Vec<&str> {
        member.workspaces.iter().map(|place| self.workspaces[*place].id.as_str()).collect()
    }
}

fn shown(workspace: &Workspace) -> Value {
    let mut shown = json!({ "name": workspace.name.1.trim() });
    // What is not known yet is learned from the answer.
    if !workspace.id.is_empty() {
        shown["id"] = json!(workspace.id);
    }
    shown
}
