//! API tokens, by the specification.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    moves::{Learn, Move},
    plain::{Plain, Rights, Token},
    roles::{PERMISSIONS, in_order},
    step::{Actor, Expiry, NewToken},
};

fn known(permissions: &[&str]) -> Result<(), ErrorKind> {
    let known = permissions.iter().all(|permission| PERMISSIONS.contains(permission));
    if known { Ok(()) } else { Err(ErrorKind::InvalidRequest) }
}

impl Plain {
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
        let allowed = valid.and_then(|()| {
            let rights = self.rights(by, org, "tokens:manage")?;
            known(permissions)?;
            rights.may_give(&permissions.iter().copied().collect())?;
            rights.may_give_until(end)
        });
        let expected = allowed.map(|()| {
            let token = Token {
                key: String::new(),
                bearers: Vec::new(),
                overlap_ends: None,
                name: None,
                maker: self.maker(by),
                permissions: permissions.iter().copied().collect(),
                expires_at: end,
                revoked: false,
            };
            let organization = &mut self.organizations[org];
            organization.tokens.push(token);
            organization.events += 1;
            json!({ "apiToken": {} })
        });
        let place = self.organizations[org].tokens.len().saturating_sub(1);
        Move::new(by, "tokens/create", input, expected).learning(Learn::Secret(org, place))
    }

    pub(super) fn tokens(&self, by: Actor, org: usize, limit: Option<u32>) -> Move {
        let organization = &self.organizations[org];
        let expected = self.rights(by, org, "tokens:manage").map(|_| {
            let shown = organization.tokens.iter().rev().map(|token| self.token_shown(token));
            json!({ "apiTokens": shown.collect::<Vec<_>>() })
        });
        Move::new(by, "tokens/list", json!({ "organizationId": organization.id, "limit": limit }), expected)
    }

    fn token_shown(&self, token: &Token) -> Value {
        let overlap = token.overlap_ends.filter(|end| *end > self.now).map(|end| json!({ "validUntil": end }));
        json!({
            "key": token.key,
            "name": token.name,
            "permissions": in_order(&token.permissions),
            "expiresAt": token.expires_at,
            "previousSecret": overlap,
            "rateLimit": null,
        })
    }

    pub(super) fn revoke_token(&mut self, by: Actor, org: usize, (home, place): (usize, usize)) -> Move {
        let input = self.naming_token(org, (home, place));
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

    fn naming_token(&self, org: usize, (home, place): (usize, usize)) -> Value {
        let key = &self.organizations[home].tokens[place].key;
        json!({ "organizationId": self.organizations[org].id, "key": key })
    }

    /// The token, if it is one of the organization's and was not revoked.
    fn living_token(&mut self, org: usize, (home, place): (usize, usize)) -> Result<&mut Token, ErrorKind> {
        let token = &mut self.organizations[home].tokens[place];
        match (org == home, token.revoked) {
            (false, _) => Err(ErrorKind::NotFound),
            (true, true) => Err(ErrorKind::Revoked),
            (true, false) => Ok(token),
        }
    }

    pub(super) fn change_token(
        &mut self,
        by: Actor,
        org: usize,
        at: (usize, usize),
        (name, permissions): NewToken,
        expiry: Expiry,
    ) -> Move {
        let (end, valid) = self.end(expiry);
        let mut input = self.naming_token(org, at);
        input["name"] = json!(name);
        input["permissions"] = json!(permissions);
        if !matches!(expiry, Expiry::Unsaid) {
            input["expiresAt"] = json!(end);
        }
        let expected = valid.and_then(|()| {
            let rights = self.rights(by, org, "tokens:manage")?;
            let token = self.living_token(org, at)?;
            let new_name = name.map_or(token.name, |name| Some(name).filter(|name| !name.is_empty()));
            known(permissions.unwrap_or_default())?;
            let new: BTreeSet<_> =
                permissions.map_or_else(|| token.permissions.clone(), |new| new.iter().copied().collect());
            let new_end = if matches!(expiry, Expiry::Unsaid) { token.expires_at } else { end };
            if (&new, new_end) != (&token.permissions, token.expires_at) {
                rights.may_give(&new)?;
            }
            let is_longer = token.expires_at.is_some_and(|former| new_end.is_none_or(|end| end > former));
            if is_longer || !new.is_subset(&token.permissions) {
                rights.may_give_until(new_end)?;
            }
            let changes = (new_name, &new, new_end) != (token.name, &token.permissions, token.expires_at);
            (token.name, token.permissions, token.expires_at) = (new_name, new, new_end);
            token.overlap_ends = token.overlap_ends.map(|overlap| new_end.map_or(overlap, |end| end.min(overlap)));
            self.organizations[org].events += usize::from(changes);
            Ok(json!({ "apiToken": self.token_shown(&self.organizations[org].tokens[at.1]) }))
        });
        Move::new(by, "tokens/update", input, expected)
    }

    pub(super) fn rotate(&mut self, by: Actor, org: usize, at: (usize, usize), overlap: Option<u32>) -> Move {
        let mut input = self.naming_token(org, at);
        input["overlapSeconds"] = json!(overlap);
        let now = self.now;
        let expected = self.may_rotate(by, org, at).map(|()| {
            let organization = &mut self.organizations[org];
            let token = &mut organization.tokens[at.1];
            let overlap = overlap.filter(|seconds| *seconds > 0);
            let ends = overlap.map(|seconds| now.after(Duration::from_secs(seconds.into())));
            token.overlap_ends = ends.map(|overlap| token.expires_at.map_or(overlap, |end| end.min(overlap)));
            organization.events += 1;
            json!({ "apiToken": { "key": token.key } })
        });
        Move::new(by, "tokens/rotate", input, expected).learning(Learn::Secret(at.0, at.1))
    }

    /// Whoever gets the secret can do what the token can: they hold it, or are the token with its present secret.
    fn may_rotate(&mut self, by: Actor, org: usize, at: (usize, usize)) -> Result<(), ErrorKind> {
        let now = self.now;
        let acting = self.token(by).filter(|acting| (acting.0, acting.1) == at);
        let rights: Rights = match acting {
            Some(_) => self.place(by, org)?,
            None => self.rights(by, org, "tokens:manage")?,
        };
        let token = self.living_token(org, at)?;
        match acting {
            Some((_, _, secret)) if secret + 1 < token.bearers.len() => return Err(ErrorKind::Forbidden),
            Some(_) => {}
            None => {
                rights.may_give(&token.permissions)?;
                rights.may_give_until(token.expires_at)?;
            }
        }
        if token.expires_at.is_some_and(|end| end <= now) { Err(ErrorKind::Expired) } else { Ok(()) }
    }

    pub(super) fn introspect(&self, by: Actor, at: Option<(usize, usize, usize)>) -> Move {
        let bearer = at.map(|(org, place, secret)| &self.organizations[org].tokens[place].bearers[secret]);
        let input = json!({ "token": bearer.map_or("unknown", String::as_str) });
        let expected = self.platform(by).map(|()| {
            let Some((token, at)) = at.and_then(|at| Some((self.valid_token(at).ok()?, at))) else {
                return json!({ "active": false });
            };
            let is_present = at.2 + 1 == token.bearers.len();
            let ends = token.expires_at.into_iter().chain(token.overlap_ends.filter(|_| !is_present)).min();
            let permissions = in_order(&token.permissions);
            let mut shown = json!({
                "active": true,
                "organizationId": self.organizations[at.0].id,
                "permissions": permissions,
                "scope": permissions.join(" "),
                "sub": token.key,
            });
            if let Some(end) = ends {
                shown["exp"] = json!(end.as_millis().div_euclid(1000));
            }
            shown
        });
        Move::new(by, "tokens/introspect", input, expected)
    }
}
