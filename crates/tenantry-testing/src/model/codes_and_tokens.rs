//! Join codes and API tokens, by the specification.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tenantry_core::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    people::Person,
    plain::{Code, PERMISSIONS, Plain, ROLES, Token, ordered},
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
            if ROLES.contains(&role) { rights.may_grant(&[role]) } else { Err(ErrorKind::InvalidRequest) }
        });
        let expected = allowed.map(|()| {
            let code = Code {
                id: String::new(),
                secret: String::new(),
                role,
                uses: 0,
                uses_max,
                expires_at: end,
                revoked: false,
            };
            let shown = code_shown(&code);
            let organization = &mut self.organizations[org];
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
            self.join_by(person, (org, place))
        });
        Move::new(by, "join-codes/join", json!({ "code": code }), expected)
    }

    fn join_by(&mut self, person: Person, (org, place): (usize, usize)) -> Result<Value, ErrorKind> {
        let organization = &mut self.organizations[org];
        let id = organization.id.clone();
        if let Some(member) = organization.member(person) {
            return Ok(json!({ "organizationId": id, "role": member.roles[0], "alreadyMember": true }));
        }
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
        let role = code.role;
        self.admit(org, person, vec![role]);
        Ok(json!({ "organizationId": id, "role": role, "alreadyMember": false }))
    }

    /// Tries a code that nobody made.
    pub(super) fn guess(&mut self, by: Actor) -> Move {
        let expected = self.person(by).and_then(|person| {
            self.may_guess(person)?;
            let now = self.now;
            let (since, count) = self.guesses.entry(person).or_insert((now, 0));
            if now.since(*since) >= GUESSES_WINDOW {
                (*since, *count) = (now, 0);
            }
            *count += 1;
            Err(ErrorKind::NotFound)
        });
        Move::new(by, "join-codes/join", json!({ "code": "0000-0000-0000" }), expected)
    }

    fn may_guess(&self, person: Person) -> Result<(), ErrorKind> {
        let tried = self.guesses.get(&person).filter(|(since, _)| self.now.since(*since) < GUESSES_WINDOW);
        if tried.is_some_and(|(_, count)| *count >= GUESSES_MAX) { Err(ErrorKind::RateLimited) } else { Ok(()) }
    }

    pub(super) fn codes(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self
            .rights(by, org, "members:manage")
            .map(|_| json!({ "joinCodes": organization.codes.iter().rev().map(code_shown).collect::<Vec<_>>() }));
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

    pub(super) fn make_token(
        &mut self,
        by: Actor,
        org: usize,
        permissions: &'static [&'static str],
        test: bool,
        expiry: Expiry,
    ) -> Move {
        let (end, valid) = self.end(expiry);
        let env = if test { "test" } else { "live" };
        let asked = (!permissions.is_empty()).then_some(permissions);
        let id = &self.organizations[org].id;
        let input = json!({ "organizationId": id, "permissions": asked, "env": env, "expiresAt": end });
        let permissions: BTreeSet<_> = permissions.iter().copied().collect();
        let allowed = valid.and_then(|()| {
            let rights = self.rights(by, org, "tokens:manage")?;
            let known = permissions.iter().all(|permission| PERMISSIONS.contains(permission));
            if known { rights.may_give(&permissions) } else { Err(ErrorKind::InvalidRequest) }
        });
        let expected = allowed.map(|()| {
            let token =
                Token { key: String::new(), bearer: String::new(), permissions, expires_at: end, revoked: false };
            let organization = &mut self.organizations[org];
            organization.tokens.push(token);
            organization.events += 1;
            json!({ "apiToken": {} })
        });
        let place = self.organizations[org].tokens.len().saturating_sub(1);
        Move::new(by, "tokens/create", input, expected).learning(Learn::Token(org, place))
    }

    pub(super) fn tokens(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self.rights(by, org, "tokens:manage").map(|_| {
            let shown = organization.tokens.iter().rev().map(|token| {
                let permissions = ordered(&PERMISSIONS, token.permissions.iter().copied());
                json!({ "key": token.key, "permissions": permissions, "expiresAt": token.expires_at })
            });
            json!({ "apiTokens": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "tokens/list", json!({ "organizationId": organization.id, "limit": limit }), expected)
    }

    pub(super) fn revoke_token(&mut self, by: Actor, org: usize, (home, place): (usize, usize)) -> Move {
        let key = &self.organizations[home].tokens[place].key;
        let input = json!({ "organizationId": self.organizations[org].id, "key": key });
        let rights = self.rights(by, org, "tokens:manage");
        let organization = &mut self.organizations[org];
        let expected = rights.and_then(|_| {
            if org != home {
                return Err(ErrorKind::NotFound);
            }
            let token = &mut organization.tokens[place];
            organization.events += usize::from(!token.revoked);
            token.revoked = true;
            Ok(json!({ "ok": true }))
        });
        Move::new(by, "tokens/revoke", input, expected)
    }
}

fn code_shown(code: &Code) -> Value {
    let mut shown = json!({
        "role": code.role,
        "uses": code.uses,
        "maxUses": code.uses_max,
        "expiresAt": code.expires_at,
    });
    if !code.id.is_empty() {
        shown["id"] = json!(code.id);
    }
    shown
}
