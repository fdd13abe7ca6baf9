//! What members leave behind, by the specification.

use serde_json::{Value, json};
use tenantry_core::values::error::ErrorKind;

use super::{
    people::{Person, holds},
    plain::{Code, Invitation, Organization, Rights, State, Token},
    roles::in_order,
};

impl Organization {
    /// What the person issued that nobody has answered or revoked, in the order of the ids.
    pub(super) fn left_by(&self, maker: Person, with_tokens: bool) -> Value {
        let mut invitations: Vec<_> =
            self.invitations.iter().filter(|invitation| invitation.is_left_by(maker)).collect();
        invitations.sort_by_key(|invitation| &invitation.id);
        let invitations = invitations.into_iter().map(|invitation| {
            let roles = self.ranked(&invitation.roles);
            json!({ "id": invitation.id, "roles": roles, "expiresAt": invitation.expires_at })
        });
        let mut codes: Vec<_> = self.codes.iter().filter(|code| code.is_left_by(maker)).collect();
        codes.sort_by_key(|code| &code.id);
        let codes = codes.into_iter().map(
            |code| json!({ "id": code.id, "role": self.ranked(&[code.role]).first(), "expiresAt": code.expires_at }),
        );
        let mut tokens: Vec<_> = self.tokens.iter().filter(|token| token.is_left_by(maker)).collect();
        tokens.sort_by_key(|token| &token.key);
        let tokens = tokens.into_iter().map(|token| {
            let permissions = in_order(&token.permissions);
            json!({ "key": token.key, "permissions": with_tokens.then_some(permissions) })
        });
        json!({
            "invitations": invitations.collect::<Vec<_>>(),
            "joinCodes": codes.collect::<Vec<_>>(),
            "apiTokens": tokens.collect::<Vec<_>>(),
        })
    }

    /// Whoever could not revoke each of it cannot revoke any. What is for the maker ends with them if they are `removed`.
    pub(super) fn may_revoke(&self, maker: Person, rights: &Rights, removed: bool) -> Result<(), ErrorKind> {
        let ends = |invitation: &Invitation| removed && holds(maker, invitation.to);
        let left = |invitation: &&Invitation| invitation.is_left_by(maker) && !ends(invitation);
        let mut invitations = self.invitations.iter().filter(left);
        let mut codes = self.codes.iter().filter(|code| code.is_left_by(maker));
        let owners =
            invitations.any(|invitation| invitation.roles.contains(&"owner")) || codes.any(|code| code.role == "owner");
        let tokens = self.tokens.iter().any(|token| token.is_left_by(maker));
        if owners && !rights.owner || tokens && !rights.hold("tokens:manage") {
            return Err(ErrorKind::Forbidden);
        }
        Ok(())
    }

    /// Revokes all of it. Whether there was anything.
    pub(super) fn revoke_issued(&mut self, maker: Person) -> bool {
        let mut any = false;
        for invitation in self.invitations.iter_mut().filter(|invitation| invitation.is_left_by(maker)) {
            (invitation.state, any) = (State::Revoked, true);
        }
        for code in self.codes.iter_mut().filter(|code| code.is_left_by(maker)) {
            (code.revoked, any) = (true, true);
        }
        for token in self.tokens.iter_mut().filter(|token| token.is_left_by(maker)) {
            (token.revoked, any) = (true, true);
        }
        any
    }
}

impl Invitation {
    fn is_left_by(&self, maker: Person) -> bool {
        self.maker == Some(maker) && self.state == State::Open
    }
}

impl Code {
    fn is_left_by(&self, maker: Person) -> bool {
        self.maker == Some(maker) && !self.revoked
    }
}

impl Token {
    fn is_left_by(&self, maker: Person) -> bool {
        self.maker == Some(maker) && !self.revoked
    }
}
