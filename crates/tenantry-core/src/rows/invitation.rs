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
    /// The entry in the address's list that tells of this invitation.
    #[serde(default)]
    pub(crate) intent: Intent,
    /// How it is mailed; `None`: not at all.
    #[serde(default)]
    pub(crate) mailing: Option<Nested<MailingRow>>,
}

impl InvitationRow {
    /// Whether the token with this hash is the invitation's: the one that was answered, or one that was mailed.
    pub(crate) fn is_opened_by(&self, token: &Hashed) -> bool {
        let mut mailed = self.mailing.iter().flat_map(|mailing| &mailing.tokens);
        self.secret == *token || mailed.any(|hashed| hashed == token)
    }
}

/// How an invitation is mailed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MailingRow {
    /// The try that made the invitation, or resent it: a job of an earlier one has nothing left to do.
    pub(crate) sending: Intent,
    /// `None`: the host has no way to reach whom it is for.
    pub(crate) delivery: Option<Delivery>,
    /// What was mailed, the newest last. Written before the mail goes out: whatever arrives works.
    pub(crate) tokens: Vec<Hashed>,
    /// The mailer refused it for good.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InvitationState {
    Open,
    Accepted,
    Revoked,
    /// It has made way for another to the same address.
    Expired,
    /// Whom it was addressed to does not want it.
    Declined,
    /// Whom it was addressed to has become a member by another way.
    Superseded,
}

/// In an address's shard: where an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvitationEntryRow {
    pub(crate) organization: OrganizationId,
    pub(crate) intent: Intent,
}
