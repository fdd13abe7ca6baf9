//! The rows of invitations.

use serde::{Deserialize, Serialize};

use super::{Intent, Nested, words};
use crate::{
    secret::Hashed,
    values::{
        address::Address, clock::Timestamp, delivery::Delivery, ids::OrganizationId, principal::Principal,
        role::RoleName,
    },
};

/// An invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationRow {
    pub(crate) number: u64,
    pub(crate) address: Address,
    pub(crate) name: Option<String>,
    #[serde(with = "words::roles")]
    pub(crate) roles: Vec<RoleName>,
    pub(crate) secret: Hashed,
    pub(crate) state: InvitationState,
    #[serde(with = "words::principal")]
    pub(crate) invited_by: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The intent of the attempt that wrote the index entries of this invitation.
    #[serde(default)]
    pub(crate) intent: Intent,
    /// How it is mailed; `None` if it is not mailed.
    #[serde(default)]
    pub(crate) mailing: Option<Nested<MailingRow>>,
}

impl InvitationRow {
    /// Whether the token with this hash opens the invitation: it is the token that the operation answered, or one that
    /// was mailed.
    pub(crate) fn is_opened_by(&self, token: &Hashed) -> bool {
        let mut mailed = self.mailing.iter().flat_map(|mailing| &mailing.tokens);
        self.secret == *token || mailed.any(|hashed| hashed == token)
    }
}

/// How an invitation is mailed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MailingRow {
    /// The intent of the attempt that made the invitation or last resent it. A mail job of an earlier attempt does
    /// nothing.
    pub(crate) sending: Intent,
    /// `None`: the host has no way to reach the invitee.
    pub(crate) delivery: Option<Delivery>,
    /// The hashes of the mailed tokens, the newest last. A hash is written before its mail goes out, so that every
    /// token that arrives works.
    pub(crate) tokens: Vec<Hashed>,
    /// Whether the mailer refused the mail for good.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InvitationState {
    Open,
    Accepted,
    Revoked,
    /// It had expired and was replaced by another invitation to the same address.
    Expired,
    /// The invitee declined it.
    Declined,
    /// The invitee became a member in another way.
    Superseded,
}

/// In an address's shard: the organization that has an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvitationEntryRow {
    pub(crate) organization: OrganizationId,
    pub(crate) intent: Intent,
}
