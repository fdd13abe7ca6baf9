//! Invitations, by the specification.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_core::values::{clock::Timestamp, error::ErrorKind};

use super::{
    answers::ended,
    moves::{Learn, Move},
    people::{Address, verified_email},
    plain::{Invitation, Plain, Rights, State},
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
        let (end, valid) = self.end(expiry);
        let mut input = invitee(to, &spelled, roles);
        input["organizationId"] = json!(self.organizations[org].id);
        input["expiresAt"] = json!(end);
        let place = self.organizations[org].invitations.len();
        let expected = valid.and_then(|()| self.try_invite(by, org, to, spelled, roles, end));
        Move::new(by, "invitations/create", input, expected).learning(Learn::Invitation(org, place))
    }

    /// Each as if they were invited alone, one after the other.
    pub(super) fn invite_many(
        &mut self,
        by: Actor,
        org: usize,
        invitees: &[(Address, usize, &'static [&'static str])],
    ) -> Move {
        let spelled = |to: Address, spelling: usize| self.people.spelled(to, spelling);
        let shown: Vec<_> =
            invitees.iter().map(|(to, spelling, roles)| invitee(*to, &spelled(*to, *spelling), roles)).collect();
        let input = json!({ "organizationId": self.organizations[org].id, "invitations": shown });
        let first = self.organizations[org].invitations.len();
        let expected = self.rights(by, org, "members:manage").map(|_| {
            let results = invitees.iter().map(|(to, spelling, roles)| {
                let spelled = self.people.spelled(*to, *spelling);
                self.try_invite(by, org, *to, spelled, roles, None)
                    .unwrap_or_else(|kind| json!({ "error": { "code": kind.code() } }))
            });
            json!({ "results": results.collect::<Vec<_>>() })
        });
        Move::new(by, "invitations/create-batch", input, expected).learning(Learn::Invitations(org, first))
    }

    fn try_invite(
        &mut self,
        by: Actor,
        org: usize,
        to: Address,
        spelled: String,
        roles: &'static [&'static str],
        end: Option<Timestamp>,
    ) -> Result<Value, ErrorKind> {
        let (roles, end) = self.may_invite(by, org, to, roles, end)?;
        let invitation = Invitation {
            id: String::new(),
            token: String::new(),
            to,
            spelled,
            maker: self.maker(by),
            roles,
            state: State::Open,
            expires_at: end,
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
        Ok(json!({ "invitation": shown }))
    }

    /// What the invitation would give, and when it would end, if they may invite.
    fn may_invite(
        &self,
        by: Actor,
        org: usize,
        to: Address,
        roles: &[&'static str],
        end: Option<Timestamp>,
    ) -> Result<(Vec<&'static str>, Timestamp), ErrorKind> {
        let rights = self.rights(by, org, "members:manage")?;
        let organization = &self.organizations[org];
        let roles = organization.meant(if roles.is_empty() { &["member"] } else { roles })?;
        organization.may_grant(&rights, &roles)?;
        let end = self.invited_until(&rights, end)?;
        if organization.knows(to) {
            return Err(ErrorKind::AlreadyMember);
        }
        let pending = |invitation: &&Invitation| {
            invitation.to == to && invitation.state == State::Open && invitation.expires_at > self.now
        };
        if organization.invitations.iter().find(pending).is_some() {
            return Err(ErrorKind::AlreadyInvited);
        }
        Ok((roles, end))
    }

    /// As long as was asked for, or else a week; and never longer than the right to invite lasts.
    fn invited_until(&self, rights: &Rights, asked: Option<Timestamp>) -> Result<Timestamp, ErrorKind> {
        let Some(asked) = asked else {
            return Ok(self.now.after(WEEK).min(rights.until.unwrap_or_else(|| self.now.after(WEEK))));
        };
        rights.may_give_until(Some(asked)).map(|()| asked)
    }

    fn invitation_shown(&self, org: usize, invitation: &Invitation) -> Value {
        let field = if matches!(invitation.to, Address::Email(_)) { "email" } else { "username" };
        let organization = &self.organizations[org];
        let roles = organization.ranked(&invitation.roles);
        let mut shown = json!({
            "organizationId": organization.id,
            "organizationName": organization.name,
            field: invitation.spelled,
            "role": roles[0],
            "roles": roles,
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
                State::Revoked | State::Declined | State::Replaced | State::Superseded => Ok(()),
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

    pub(super) fn resend(&mut self, by: Actor, org: usize, (home, place): (usize, usize), expiry: Expiry) -> Move {
        let (end, valid) = self.end(expiry);
        let id = &self.organizations[home].invitations[place].id;
        let input = json!({ "organizationId": self.organizations[org].id, "id": id, "expiresAt": end });
        let allowed = valid.and_then(|()| {
            let rights = self.rights(by, org, "members:manage")?;
            if org != home {
                return Err(ErrorKind::NotFound);
            }
            let organization = &self.organizations[home];
            let invitation = &organization.invitations[place];
            organization.may_grant(&rights, &invitation.roles)?;
            match invitation.state {
                State::Open if organization.knows(invitation.to) => Err(ErrorKind::AlreadyMember),
                State::Open => self.invited_until(&rights, end),
                state => Err(ended(state)),
            }
        });
        let expected = allowed.map(|end| {
            let organization = &mut self.organizations[home];
            organization.invitations[place].expires_at = end;
            organization.events += 1;
            json!({ "invitation": self.invitation_shown(home, &self.organizations[home].invitations[place]) })
        });
        Move::new(by, "invitations/resend", input, expected).learning(Learn::Invitation(home, place))
    }

    pub(super) fn mine(&self, by: Actor, limit: Option<u32>) -> Move {
        let expected = self.person(by).map(|person| {
            let to = |address: Option<Address>| {
                let newest_first = self.invitations.iter().rev().copied();
                newest_first.filter(move |(org, place)| {
                    let invitation = &self.organizations[*org].invitations[*place];
                    Some(invitation.to) == address && self.waits(*org, invitation)
                })
            };
            let waiting = to(verified_email(person)).chain(to(Some(Address::Username(person))));
            let shown =
                waiting.map(|(org, place)| self.invitation_shown(org, &self.organizations[org].invitations[place]));
            json!({ "invitations": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "invitations/mine", json!({ "limit": limit }), expected)
    }
}

/// One who is invited, as a request names them.
fn invitee(to: Address, spelled: &str, roles: &[&str]) -> Value {
    let field = if matches!(to, Address::Email(_)) { "email" } else { "username" };
    let mut input = json!({ field: spelled });
    // One role in one field, several in the other, none in neither.
    match roles {
        [] => {}
        [role] => input["role"] = json!(role),
        roles => input["roles"] = json!(roles),
    }
    input
}
