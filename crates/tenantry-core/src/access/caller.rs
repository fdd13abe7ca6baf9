//! Who is calling.

use crate::{
    secret::Hashed,
    values::{
        address::Address,
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::UserId,
        principal::Principal,
        token_key::TokenKey,
    },
};

/// A credential that was authenticated as far as that is possible without the store.
///
/// What it may do is decided by the rows that are read in the same transaction.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A user whose JWT was verified.
    User(Box<Identity>),
    /// Whoever presents the key and a secret of an API token; the secret is compared when the token's row is read.
    Token(Presented),
}

/// The key of an API token, and the hash of the secret that was presented with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Presented {
    /// The public key, which names the token.
    pub key: TokenKey,
    /// The hash of the secret that was presented.
    pub secret: Hashed,
}

/// What a user's verified credential, such as a JWT, says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub id: UserId,
    /// Their e-mail address.
    pub email: Option<Address>,
    /// Whether the identity provider vouches that the address is theirs.
    pub email_verified: bool,
    /// Their username.
    pub username: Option<Address>,
    /// Their name, for people to read.
    pub name: Option<String>,
    /// Where their picture is.
    pub avatar_url: Option<String>,
    /// Whether they administer the platform.
    pub platform_admin: bool,
    /// When the identity provider said all this: the `iat` of a JWT.
    pub issued_at: Option<Timestamp>,
}

impl Identity {
    /// A user of whom nothing but the id is known.
    #[must_use]
    pub const fn new(id: UserId) -> Self {
        Self {
            id,
            email: None,
            email_verified: false,
            username: None,
            name: None,
            avatar_url: None,
            platform_admin: false,
            issued_at: None,
        }
    }

    /// The e-mail address, if the identity provider vouches for it.
    #[must_use]
    pub fn verified_email(&self) -> Option<&Address> {
        self.email.as_ref().filter(|_| self.email_verified)
    }

    /// The addresses by which this user can be invited: the verified e-mail address and the username.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.verified_email().into_iter().chain(&self.username)
    }
}

impl Caller {
    /// The principal behind the credential.
    #[must_use]
    pub fn principal(&self) -> Principal {
        match self {
            Self::User(identity) if identity.platform_admin => Principal::PlatformAdmin(identity.id.clone()),
            Self::User(identity) => Principal::User(identity.id.clone()),
            Self::Token(presented) => Principal::ApiToken(presented.key),
        }
    }

    /// Refuses a caller who does not administer the platform.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for everybody else.
    pub(crate) fn require_platform_admin(&self) -> Result<(), Error> {
        match self {
            Self::User(identity) if identity.platform_admin => Ok(()),
            Self::User(_) | Self::Token(_) => {
                Err(Error::new(ErrorKind::Forbidden, "only an administrator of the platform can do this"))
            }
        }
    }

    /// The user who calls.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for an API token: some things only a person can do.
    pub fn user(&self) -> Result<&Identity, Error> {
        match self {
            Self::User(identity) => Ok(identity),
            Self::Token(_) => {
                Err(Error::new(ErrorKind::Forbidden, "only a signed-in user can do this, not an API token"))
            }
        }
    }
}
