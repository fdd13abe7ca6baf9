use std::fmt;

use super::{Hashed, Plain, checksum, random_text, without_checksum};
use crate::values::{
    entropy::{Entropy, EntropyError},
    ids::{InvitationId, OrganizationId},
};

/// The one-time secret of an invitation: `ti_`, the organization, the invitation, 43 characters of randomness and 6 of
/// checksum. It contains both ids, so that no index is needed to find the invitation.
#[derive(Clone)]
pub struct InvitationToken {
    organization: OrganizationId,
    invitation: InvitationId,
    text: Plain,
}

impl InvitationToken {
    /// A new token for that invitation.
    pub fn new(
        organization: OrganizationId,
        invitation: InvitationId,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let body = format!("ti_{}{}{}", organization.to_base62(), invitation.to_base62(), random_text(entropy)?);
        let text = Plain::new(format!("{body}{}", checksum(&body)));
        Ok(Self { organization, invitation, text })
    }

    /// Reads a token that somebody presents.
    ///
    /// # Errors
    /// If `text` is no token, or was damaged on its way, as the checksum tells.
    pub fn parse(text: &str) -> Result<Self, InvalidInvitationToken> {
        let well_formed = text.len() == 96 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let body = if well_formed { without_checksum(text) } else { None }.ok_or(InvalidInvitationToken)?;
        let rest = body.strip_prefix("ti_").ok_or(InvalidInvitationToken)?;
        Ok(Self {
            organization: OrganizationId::from_base62(&rest[..22]).ok_or(InvalidInvitationToken)?,
            invitation: InvitationId::from_base62(&rest[22..44]).ok_or(InvalidInvitationToken)?,
            text: Plain::new(text.to_owned()),
        })
    }

    /// The organization that invites.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The invitation.
    #[must_use]
    pub const fn invitation(&self) -> InvitationId {
        self.invitation
    }

    /// The token in the clear, to be shown once.
    #[must_use]
    pub const fn plain(&self) -> &Plain {
        &self.text
    }

    /// The hash, which is what a store keeps.
    #[must_use]
    pub fn hashed(&self) -> Hashed {
        self.text.hashed()
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvitationToken({:?}, …)", self.invitation)
    }
}

/// The text is no invitation token, or was damaged on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no invitation token, or a part of it is missing: use the link of the invitation as it was sent")]
pub struct InvalidInvitationToken;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{clock::Timestamp, entropy::SystemEntropy};

    #[test]
    fn a_token_names_its_invitation_and_notices_damage() {
        let now = Timestamp::from_millis(5);
        let (organization, invitation) =
            (OrganizationId::from_parts(now, [1; 10]), InvitationId::from_parts(now, [2; 10]));
        let token = InvitationToken::new(organization, invitation, &SystemEntropy).unwrap();
        let text = token.plain().expose();
        let read = InvitationToken::parse(text).unwrap();
        assert_eq!((read.organization(), read.invitation()), (organization, invitation));
        assert_eq!(read.hashed(), token.hashed());
        assert!(!format!("{token:?}").contains(&text[50..]));
        assert!(InvitationToken::parse(&text[..95]).is_err());
        assert!(InvitationToken::parse(&text.replace("ti_", "ti0")).is_err());
        assert!(InvitationToken::parse(&"é".repeat(48)).is_err());
    }
}
