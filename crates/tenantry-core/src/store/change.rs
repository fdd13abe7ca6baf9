//! Change notices: what a commit tells every node, so that no cache keeps an outdated answer.

use std::{fmt, str::FromStr, time::Duration};

use crate::values::{
    ids::{OrganizationId, UserId},
    token_key::TokenKey,
};

/// What one commit changed, as far as a resolved `Tenant` can depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// The organization itself, or something that all of its members and tokens depend on.
    Organization(OrganizationId),
    /// One member: joined, changed or removed.
    Member(OrganizationId, UserId),
    /// One API token: made, changed or revoked.
    Token(TokenKey),
}

impl Change {
    /// The organization that was changed.
    #[must_use]
    pub fn organization(&self) -> OrganizationId {
        match self {
            Self::Organization(organization) | Self::Member(organization, _) => *organization,
            Self::Token(key) => key.organization(),
        }
    }
}

/// The form in which a store carries a notice: one line of text.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(organization) => write!(f, "o {organization}"),
            Self::Member(organization, user) => write!(f, "m {organization} {user}"),
            Self::Token(key) => write!(f, "t {key}"),
        }
    }
}

impl FromStr for Change {
    type Err = InvalidChange;

    fn from_str(text: &str) -> Result<Self, InvalidChange> {
        let (kind, subject) = text.split_once(' ').ok_or(InvalidChange)?;
        match kind {
            "o" => subject.parse().map(Self::Organization).map_err(|_| InvalidChange),
            "m" => {
                let (organization, user) = subject.split_once(' ').ok_or(InvalidChange)?;
                let organization = organization.parse().map_err(|_| InvalidChange)?;
                UserId::new(user).map(|user| Self::Member(organization, user)).map_err(|_| InvalidChange)
            }
            "t" => subject.parse().map(Self::Token).map_err(|_| InvalidChange),
            _ => Err(InvalidChange),
        }
    }
}

/// The text is no change notice that this version knows.
///
/// Whoever receives one must treat it as "anything may have changed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a change notice")]
pub struct InvalidChange;

/// What a listener hears from [`Store::changes`](crate::store::Store::changes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A commit changed this.
    Changed(Change),
    /// Notices may be missing from here on: trust no cache.
    LinkLost,
    /// Notices arrive again: clear every cache, then trust it again.
    LinkBack,
    /// The notices of everything that was acknowledged before this moment have been delivered. A store whose notices
    /// come over a network repeats this signal, so that a listener that hears nothing for a while (its link is frozen,
    /// or its own process) knows how old the last proof is. The moment is the
    /// [`elapsed`](crate::values::clock::Clock::elapsed) of [`SystemClock`](crate::values::clock::SystemClock), which
    /// goes on while the machine sleeps.
    Proven(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::clock::Timestamp;

    #[test]
    fn a_notice_comes_back_as_it_was_sent() {
        let organization = OrganizationId::from_parts(Timestamp::from_millis(1), [3; 10]);
        let user = UserId::new("a user with spaces").unwrap();
        let key = TokenKey::from_parts(crate::values::token_key::Environment::Live, organization, [9; 8]);
        for change in [Change::Organization(organization), Change::Member(organization, user), Change::Token(key)] {
            assert_eq!(change.to_string().parse(), Ok(change));
        }
        assert_eq!("x y".parse::<Change>(), Err(InvalidChange));
    }
}
