//! Join codes, by the specification.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::{Person, verified_email},
    plain::{Code, Organization, Plain},
    step::{Actor, Expiry},
};

/// In this time, so many wrong codes may be tried.
const GUESSES_WINDOW: Duration = Duration::from_secs(60);
const GUESSES_MAX: u32 = 10;

impl Plain {
    pub(super) fn make_code(
        &mut self,
        by: Actor,
        org: usize,
        role: Option<&'static str>,
        uses_max: Option<u32>,
        expiry: Expiry,
    ) -> Move {
        let (end, valid) = self.end(expiry);
        let id = &self.organizations[org].id;
        let input = json!({ "organizationId": id, "role": role, "maxUses": uses_max, "expiresAt": end });
        let role = role.unwrap_or("member");
        let allowed = valid.and_then(|()| {
            let rights = self.rights(by, org, "members:manage")?;
            let role = self.organizations[org].meant(&[role])?[0];
            self.organizations[org].may_grant(&rights, &[role])?;
            rights.may_give_until(end).map(|()| role)
        });
        let expected = allowed.map(|role| {
            let code = Code {
                id: String::new(),
                secret: String::new(),
                role,
                maker: self.maker(by),
                uses: 0,
                uses_max,
                expires_at: end,
                revoked: false,
            };
            let organization = &mut self.organizations[org];
            let shown = code.shown(organization);
            self.codes.push((org, organization.codes.len()));
            organization.codes.push(code);
            organization.events += 1;
            json!({ "joinCode": shown })
        });
        let place = self.organizations[org].codes.len().saturating_sub(1);
        Move::new(by, "join-codes/create", input, expected).learning(Learn::Code(org, place))
    }

    pub(super) fn join(&mut self, by: Actor, (org, place): (usize, usize), spelling: usize) -> Move {
        let code = &self.organizations[org].codes[place].secret;
        // Case, spaces and dashes do not matter.
        let code = if spelling == 0 { code.clone() } else { format!(" {}", code.replace('-', "  ").to_lowercase()) };
        let expected = self.person(by).and_then(|person| {
            self.may_guess(person)?;
            if self.organizations[org].gone { self.wrong_code(person) } else { self.join_by(person, (org, place)) }
        });
        Move::new(by, "join-codes/join", json!({ "code": code }), expected)
    }

    fn join_by(&mut self, person: Person, (org, place): (usize, usize)) -> Result<Value, ErrorKind> {
        let organization = &mut self.organizations[org];
        organization.require_active()?;
        if let Some(member) = organization.member(person) {
            return Ok(organization.joined(&member.roles, true, &[organization.codes[place].role]));
        }
        let ended = organization.roles_open_for(person);
        let code = &mut organization.codes[place];
        if code.revoked {
            return Err(ErrorKind::Revoked);
        }
        if code.expires_at.is_some_and(|end| end <= self.now) {
            return Err(ErrorKind::Expired);
        }
        if code.uses_max == Some(code.uses) {
            return Err(ErrorKind::Exhausted);
        }
        code.uses += 1;
        let roles = vec![code.role];
        let answer = organization.joined(&roles, false, &ended);
        let email = verified_email(person).map(|address| self.people.spelled(address, 0));
        self.admit(org, person, email, roles);
        Ok(answer)
    }

    /// Tries a code that nobody made.
    pub(super) fn guess(&mut self, by: Actor) -> Move {
        let expected = self.person(by).and_then(|person| {
            self.may_guess(person)?;
            self.wrong_code(person)
        });
        Move::new(by, "join-codes/join", json!({ "code": "0000-0000-0000" }), expected)
    }

    fn may_guess(&self, person: Person) -> Result<(), ErrorKind> {
        let tried = self.guesses.get(&person).filter(|(since, _)| self.now.since(*since) < GUESSES_WINDOW);
        if tried.is_some_and(|(_, count)| *count >= GUESSES_MAX) { Err(ErrorKind::RateLimited) } else { Ok(()) }
    }

    fn wrong_code(&mut self, person: Person) -> Result<Value, ErrorKind> {
        let now = self.now;
        let (since, count) = self.guesses.entry(person).or_insert((now, 0));
        if now.since(*since) >= GUESSES_WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        Err(ErrorKind::NotFound)
    }

    pub(super) fn codes(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self.rights(by, org, "members:manage").map(|_| {
            let shown = organization.codes.iter().rev().map(|code| code.shown(organization));
            json!({ "joinCodes": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "join-codes/list", json!({ "organizationId": organization.id, "limit": limit }), expected)
    }

    pub(super) fn revoke_code(&mut self, by: Actor, org: usize, (home, place): (usize, usize)) -> Move {
        let id = &self.organizations[home].codes[place].id;
        let input = json!({ "organizationId": self.organizations[org].id, "id": id });
        let rights = self.rights(by, org, "members:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|rights| {
            if org != home {
                return Err(ErrorKind::NotFound);
            }
            let code = &mut organization.codes[place];
            if code.role == "owner" && !rights.owner {
                return Err(ErrorKind::Forbidden);
            }
            organization.events += usize::from(!code.revoked);
            code.revoked = true;
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "join-codes/revoke", input, expected)
    }
}

impl Code {
    fn shown(&self, organization: &Organization) -> Value {
        let role = organization.ranked(&[self.role]).first().copied();
        let mut shown = json!({
            // A code that is revoked may outlive its role.
            "role": role.unwrap_or(self.role),
            "uses": self.uses,
            "maxUses": self.uses_max,
            "expiresAt": self.expires_at,
        });
        if !self.id.is_empty() {
            shown["id"] = json!(self.id);
        }
        shown
    }
}
