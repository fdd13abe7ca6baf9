//! What becomes of an invitation, by the specification: it is accepted, declined, or somebody registers by it.

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::Move,
    people::{Address, PASSWORDS, Person, STRANGER, holds, verified_email},
    plain::{Invitation, Plain, State},
    step::Actor,
};

impl Plain {
    fn is_open(&self, invitation: &Invitation) -> bool {
        invitation.state == State::Open && invitation.expires_at > self.now
    }

    /// The invitation can be accepted now.
    pub(super) fn waits(&self, org: usize, invitation: &Invitation) -> bool {
        let organization = &self.organizations[org];
        !organization.gone && organization.require_active().is_ok() && self.is_open(invitation)
    }

    /// How the invitation is named, and by whom it is answered. `by` nobody in particular: by the person who is
    /// invited.
    fn answering(&self, by: Option<Actor>, (org, place): (usize, usize), by_id: bool) -> (Actor, Value) {
        let invitation = &self.organizations[org].invitations[place];
        let (Address::Email(invited) | Address::Username(invited)) = invitation.to;
        let input = if by_id { json!({ "id": invitation.id }) } else { json!({ "token": invitation.token }) };
        (by.unwrap_or(Actor::Person(invited)), input)
    }

    pub(super) fn accept(&mut self, by: Option<Actor>, at: (usize, usize), by_id: bool) -> Move {
        let (by, input) = self.answering(by, at, by_id);
        let expected = self.person(by).and_then(|person| {
            self.may_answer(person, at, by_id)?;
            self.accept_as(person, at)
        });
        Move::new(by, "invitations/accept", input, expected)
    }

    pub(super) fn decline(&mut self, by: Option<Actor>, at: (usize, usize), by_id: bool) -> Move {
        let (by, input) = self.answering(by, at, by_id);
        let expected = self.person(by).and_then(|person| {
            self.may_answer(person, at, by_id)?;
            let (org, place) = at;
            let open = self.is_open(&self.organizations[org].invitations[place]);
            let organization = &mut self.organizations[org];
            let invitation = &mut organization.invitations[place];
            match invitation.state {
                State::Declined => {}
                State::Open if open => {
                    invitation.state = State::Declined;
                    organization.events += 1;
                }
                state => return Err(ended(state)),
            }
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "invitations/decline", input, expected)
    }

    /// The invitation is the person's to answer, whatever became of it, and the organization is in use.
    fn may_answer(&self, person: Person, (org, place): (usize, usize), by_id: bool) -> Result<(), ErrorKind> {
        let organization = &self.organizations[org];
        let invitation = &organization.invitations[place];
        let hers = holds(person, invitation.to);
        // An id is no secret: it leads only whom it is for. And no invitation outlives its organization.
        if by_id && !hers || organization.gone {
            return Err(ErrorKind::NotFound);
        }
        if !hers {
            let unverified = matches!(invitation.to, Address::Email(_)) && verified_email(person).is_none();
            return Err(if unverified { ErrorKind::EmailUnverified } else { ErrorKind::EmailMismatch });
        }
        organization.require_active()
    }

    fn accept_as(&mut self, person: Person, (org, place): (usize, usize)) -> Result<Value, ErrorKind> {
        let organization = &self.organizations[org];
        let invitation = &organization.invitations[place];
        if let Some(member) = organization.member(person) {
            // It was open for nobody any more: it ended when they joined.
            return Ok(organization.joined(&member.roles, true, &[]));
        }
        if !self.is_open(invitation) {
            return Err(ended(invitation.state));
        }
        let answer = organization.joined(&invitation.roles, false, &organization.roles_open_for(person));
        let email = verified_email(person).map(|address| self.people.spelled(address, 0));
        self.take(person, (org, place), email);
        Ok(answer)
    }

    fn take(&mut self, person: Person, (org, place): (usize, usize), email: Option<String>) {
        let invitation = &mut self.organizations[org].invitations[place];
        invitation.state = State::Accepted;
        let roles = invitation.roles.clone();
        self.admit(org, person, email, roles);
    }

    /// The host has accounts of all but the stranger, who gets one with the first password that they come with.
    pub(super) fn register(&mut self, (org, place): (usize, usize), password: usize) -> Move {
        let password = PASSWORDS[password % PASSWORDS.len()];
        let organization = &self.organizations[org];
        let invitation = &organization.invitations[place];
        let input = json!({ "token": invitation.token, "password": password });
        let role = organization.ranked(&invitation.roles).first().copied();
        let answer = json!({ "organizationId": organization.id, "role": role, "userId": self.people.id(STRANGER) });
        let allowed = if organization.gone { Err(ErrorKind::NotFound) } else { organization.require_active() };
        let allowed = allowed.and_then(|()| match invitation.to {
            _ if !self.is_open(invitation) => Err(ended(invitation.state)),
            Address::Username(_) => Err(ErrorKind::InvalidRequest),
            Address::Email(STRANGER) if self.account.is_none_or(|known| known == password) => Ok(()),
            Address::Email(_) => Err(ErrorKind::AlreadyRegistered),
        });
        // As it was invited: so the host was told it.
        let email = Some(invitation.spelled.clone());
        let expected = allowed.map(|()| {
            self.account = Some(password);
            self.take(STRANGER, (org, place), email);
            answer
        });
        Move::new(Actor::Person(0), "invitations/register", input, expected)
    }
}

/// What the answer is to an invitation that can be answered no more.
pub(super) fn ended(state: State) -> ErrorKind {
    match state {
        State::Accepted | State::Superseded => ErrorKind::Used,
        State::Revoked | State::Declined => ErrorKind::Revoked,
        State::Open | State::Replaced => ErrorKind::Expired,
    }
}
