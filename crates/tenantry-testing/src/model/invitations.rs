//! Invitations, by the specification.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_core::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::{Address, Person, holds, verified_email},
    plain::{Invitation, Plain, ROLES, State, ordered},
    step::{Actor, Expiry},
};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

impl Plain {
    pub(super) fn invite(
        &mut self,
        by: Actor,
        org: usize,
        to: Address,
        spelled: String,
        roles: &'static [&'static str],
        expiry: Expiry,
    ) -> Move {
        let field = if matches!(to, Address::Email(_)) { "email" } else { "username" };
        let (end, valid) = self.end(expiry);
        let mut input = json!({ "organizationId": self.organizations[org].id, field: spelled, "expiresAt": end });
        // One role in one field, several in the other, none in neither.
        match roles {
            [] => {}
            [role] => input["role"] = json!(role),
            roles => input["roles"] = json!(roles),
        }
        let expected = valid.and_then(|()| self.may_invite(by, org, to, roles)).map(|()| {
            let given = if roles.is_empty() { &["member"] } else { roles };
            let invitation = Invitation {
                id: String::new(),
                token: String::new(),
                to,
                spelled,
                roles: ordered(&ROLES, given.iter().copied()),
                state: State::Open,
                expires_at: end.unwrap_or_else(|| self.now.after(WEEK)),
            };
            let shown = self.invitation_shown(org, &invitation);
            let organization = &mut self.organizations[org];
            for earlier in organization.invitations.iter_mut().filter(|earlier| earlier.to == to) {
                if earlier.state == State::Open {
                    earlier.state = State::Replaced;
                }
            }
            self.invitations.push((org, organization.invitations.len()));
            organization.invitations.push(invitation);
            organization.events += 1;
            json!({ "invitation": shown })
        });
        let place = self.organizations[org].invitations.len().saturating_sub(1);
        Move::new(by, "invitations/create", input, expected).learning(Learn::Invitation(org, place))
    }

    fn may_invite(&self, by: Actor, org: usize, to: Address, roles: &[&str]) -> Result<(), ErrorKind> {
        let rights = self.rights(by, org, "members:manage")?;
        if roles.iter().any(|role| !ROLES.contains(role)) {
            return Err(ErrorKind::InvalidRequest);
        }
        rights.may_grant(if roles.is_empty() { &["member"] } else { roles })?;
        let organization = &self.organizations[org];
        if organization.knows(to) {
            return Err(ErrorKind::AlreadyMember);
        }
        let pending = |invitation: &&Invitation| {
            invitation.to == to && invitation.state == State::Open && invitation.expires_at > self.now
        };
        if organization.invitations.iter().find(pending).is_some() { Err(ErrorKind::AlreadyInvited) } else { Ok(()) }
    }

    fn invitation_shown(&self, org: usize, invitation: &Invitation) -> Value {
        let field = if matches!(invitation.to, Address::Email(_)) { "email" } else { "username" };
        let organization = &self.organizations[org];
        let mut shown = json!({
            "organizationId": organization.id,
            "organizationName": organization.name,
            field: invitation.spelled,
            "role": invitation.roles[0],
            "roles": invitation.roles,
            "status": if invitation.expires_at > self.now { "pending" } else { "expired" },
            "expiresAt": invitation.expires_at,
        });
        if !invitation.id.is_empty() {
            shown["id"] = json!(invitation.id);
        }
        shown
    }

    pub(super) fn invitations(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self.rights(by, org, "members:manage").map(|_| {
            let open = organization.invitations.iter().rev().filter(|invitation| invitation.state == State::Open);
            json!({ "invitations": open.map(|open| self.invitation_shown(org, open)).collect::<Vec<_>>() })
        });
        let input = json!({ "organizationId": organization.id, "limit": limit });
        Move::new(by, "invitations/list", input, expected)
    }

    pub(super) fn revoke_invitation(&mut self, by: Actor, org: usize, (home, place): (usize, usize)) -> Move {
        let id = &self.organizations[home].invitations[place].id;
        let input = json!({ "organizationId": self.organizations[org].id, "id": id });
        let rights = self.rights(by, org, "members:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|rights| {
            if org != home {
                return Err(ErrorKind::NotFound);
            }
            let invitation = &mut organization.invitations[place];
            match invitation.state {
                State::Accepted => Err(ErrorKind::Used),
                State::Revoked | State::Replaced => Ok(()),
                // Whoever cannot invite an owner cannot withdraw that invitation either.
                State::Open if invitation.roles.contains(&"owner") && !rights.owner => Err(ErrorKind::Forbidden),
                State::Open => {
                    invitation.state = State::Revoked;
                    organization.events += 1;
                    Ok(())
                }
            }
        });
        Move::new(by, "invitations/revoke", input, expected.map(|()| json!({ "ok": true })))
    }

    /// `by` nobody in particular: by the person who is invited.
    pub(super) fn accept(&mut self, by: Option<Actor>, (org, place): (usize, usize), by_id: bool) -> Move {
        let organization = &self.organizations[org];
        let invitation = &organization.invitations[place];
        let (Address::Email(invited) | Address::Username(invited)) = invitation.to;
        let invited = if invited < super::people::PEOPLE.len() { invited } else { 0 };
        let by = by.unwrap_or(Actor::Person(invited));
        let input = if by_id { json!({ "id": invitation.id }) } else { json!({ "token": invitation.token }) };
        let expected = self.person(by).and_then(|person| self.answer_invitation(person, (org, place), by_id));
        Move::new(by, "invitations/accept", input, expected)
    }

    fn answer_invitation(
        &mut self,
        person: Person,
        (org, place): (usize, usize),
        by_id: bool,
    ) -> Result<Value, ErrorKind> {
        let organization = &self.organizations[org];
        let invitation = &organization.invitations[place];
        let hers = holds(person, invitation.to);
        // An id is no secret: it leads only whom it is for, and only to what is or was theirs.
        if by_id && (!hers || matches!(invitation.state, State::Revoked | State::Replaced)) {
            return Err(ErrorKind::NotFound);
        }
        if !hers {
            let unverified = matches!(invitation.to, Address::Email(_)) && verified_email(person).is_none();
            return Err(if unverified { ErrorKind::EmailUnverified } else { ErrorKind::EmailMismatch });
        }
        let joined = |role: &str, already: bool| json!({ "organizationId": organization.id, "role": role, "alreadyMember": already });
        if let Some(member) = organization.member(person) {
            return Ok(joined(member.roles[0], true));
        }
        match invitation.state {
            State::Accepted => return Err(ErrorKind::Used),
            State::Revoked => return Err(ErrorKind::Revoked),
            State::Replaced => return Err(ErrorKind::Expired),
            State::Open if invitation.expires_at <= self.now => return Err(ErrorKind::Expired),
            State::Open => {}
        }
        let roles = invitation.roles.clone();
        let answer = joined(roles[0], false);
        self.organizations[org].invitations[place].state = State::Accepted;
        self.admit(org, person, roles);
        Ok(answer)
    }
}
