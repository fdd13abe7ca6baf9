//! Who is calling.

use crate::{
    secret::{ApiTokenSecret, Hashed},
    values::{
        address::Address,
        clock::Timestamp,
        error::{Error, ErrorKind},
        host_actor::HostActor,
        ids::UserId,
        principal::Principal,
        token_key::TokenKey,
    },
};

/// A credential that was authenticated as far as that is possible without the store.
///
/// What it may do is decided by the rows that are read in the same transaction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Caller {
    /// A user whose JWT was verified.
    User(Box<Identity>),
    /// Whoever presents the key and a secret of an API token; the secret is compared when the token's row is read.
    Token(Presented),
    /// The host's own code. It may do what an owner may in any organization, and what a platform admin may. Nobody becomes
    /// it by a request.
    Host(HostActor),
}

/// The key of an API token, and the hash of the secret that was presented with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Presented {
    /// The public key, which names the token.
    pub key: TokenKey,
    /// The hash of the secret that was presented.
    pub secret: Hashed,
}

impl Presented {
    /// A token's key, and the hash of what was presented as its secret.
    #[must_use]
    pub const fn new(key: TokenKey, secret: Hashed) -> Self {
        Self { key, secret }
    }

    /// Reads `<key>:<secret>`, as it is shown when the token is made; `None` if the text is no such thing.
    #[must_use]
    pub fn parse(bearer: &str) -> Option<Self> {
        let (key, secret) = bearer.split_once(':')?;
        Some(Self::new(key.parse().ok()?, ApiTokenSecret::presented(secret)?.hashed()))
    }
}

/// What a user's verified credential, such as a JWT or a session, says about them.
///
/// ```
/// use tenantry_core::{access::caller::Identity, values::{address::Address, ids::UserId}};
///
/// let ann = Identity::new(UserId::new("ann")?).with_email(Address::email("ann@example.com")?, true).with_name("Ann");
/// assert!(ann.verified_email().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

    /// The same, with their e-mail address, and whether it is `verified` that it is theirs.
    ///
    /// # Danger
    /// Whoever has a verified address may accept the invitations that are sent to it.
    #[must_use]
    pub fn with_email(mut self, email: Address, verified: bool) -> Self {
        (self.email, self.email_verified) = (Some(email), verified);
        self
    }

    /// The same, with their username.
    ///
    /// # Danger
    /// Whoever bears a username may accept the invitations that are addressed to it.
    #[must_use]
    pub fn with_username(mut self, username: Address) -> Self {
        self.username = Some(username);
        self
    }

    /// The same, with their name, for people to read.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, with where their picture is.
    #[must_use]
    pub fn with_avatar_url(mut self, url: impl Into<String>) -> Self {
        self.avatar_url = Some(url.into());
        self
    }

    /// The same, who administers the platform.
    ///
    /// # Danger
    /// They may do nearly everything with every organization.
    #[must_use]
    pub fn with_platform_admin(mut self) -> Self {
        self.platform_admin = true;
        self
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
            Self::Host(actor) => Principal::Host(actor.clone()),
        }
    }

    /// Refuses a caller who does not administer the platform.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for everybody else.
    pub(crate) fn require_platform_admin(&self) -> Result<(), Error> {
        match self {
            Self::Host(_) => Ok(()),
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
            Self::Token(_) => Err(Error::needs_user()),
            Self::Host(_) => Err(Error::new(ErrorKind::Forbidden, "only a user can do this, not the host's own code")),
        }
    }

    /// Whether the caller administers the platform, or is the host's own code.
    pub(crate) fn is_above_organizations(&self) -> bool {
        match self {
            Self::User(identity) => identity.platform_admin,
            Self::Host(_) => true,
            Self::Token(_) => false,
        }
    }

    /// Refuses everybody but the host's own code.
    pub(crate) fn require_host(&self) -> Result<(), Error> {
        match self {
            Self::Host(_) => Ok(()),
            Self::User(_) | Self::Token(_) => {
                Err(Error::new(ErrorKind::Forbidden, "only the host's own code can do this"))
            }
        }
    }
}
