//! Who the host's users are.

use async_trait::async_trait;

use crate::values::{address::Address, error::Error, ids::UserId};

/// The error with which the host's part of an operation failed. It is logged, and not shown to the caller: it must not
/// contain a secret.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// Finds the host's users.
///
/// With a directory, nobody can invite a username that does not exist, or a member by another address of theirs.
/// Without one, an invitation to a username waits for a user whose verified claim has this username. If a user's JWT
/// carries neither a verified e-mail address nor a username, the directory is asked for them by the user's id, when the
/// user creates or joins an organization, or answers an invitation.
///
/// 1. It is asked during a request, several times concurrently, and again if the request has to be decided again. So it
///    should answer at once, and it sets its own limit to how long it may take.
/// 2. `Ok(None)` says that there is no such user. If the directory cannot tell, it answers an error: then the request
///    is refused with `unavailable`, and nothing is changed.
///
/// A closure will do:
///
/// ```
/// use tenantry_core::{host::{directory::{HostError, Profile, Who}, Host}, values::ids::UserId};
///
/// let host = Host::default().directory(|who: Who| async move {
///     // A look into the table of users, say.
///     let found = match who {
///         Who::Id(id) => id.as_str() == "user-1",
///         Who::Address(address) => address.as_username() == Some("ann"),
///         _ => false, // a way to name a user that did not exist when this was written
///     };
///     let ann = Profile::new(UserId::new("user-1")?).username("ann").email("ann@example.com");
///     Ok::<_, HostError>(found.then_some(ann))
/// });
/// # let _ = host;
/// ```
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The user who has this verified e-mail address or username, or this id.
    async fn find(&self, who: Who) -> Result<Option<Profile>, HostError>;
}

/// Whom to find.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// The user with this verified e-mail address or username. Compare [normal forms](Address::normal).
    Address(Address),
    /// The user with this id, which is the whole id: if the ids of the user's issuer are qualified,
    /// [`UserId::qualified`].
    Id(UserId),
}

/// What the host knows of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The user's whole id, as in [`Who::Id`].
    pub id: UserId,
    /// Their verified e-mail address, if the host knows one. An invitation to their username is mailed there.
    pub email: Option<String>,
    /// Their username, if they have one.
    pub username: Option<String>,
    /// Their name, for people to read.
    pub name: Option<String>,
}

impl Profile {
    /// The user whom the host calls `id`.
    #[must_use]
    pub const fn new(id: UserId) -> Self {
        Self { id, email: None, username: None, name: None }
    }

    /// Their verified e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Their username.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Their name, for people to read.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

#[async_trait]
impl<F, Found> Directory for F
where
    F: Fn(Who) -> Found + Send + Sync + 'static,
    Found: Future<Output = Result<Option<Profile>, HostError>> + Send,
{
    async fn find(&self, who: Who) -> Result<Option<Profile>, HostError> {
        self(who).await
    }
}

/// What the host knows of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: the host has no directory.
    Unknown,
    /// The host has no such user.
    Nobody,
    /// The user.
    User(Profile),
}

/// The host's part of an operation failed.
#[derive(Debug, thiserror::Error)]
#[error("the host's {part} failed")]
pub(crate) struct HostFailed {
    part: &'static str,
    source: HostError,
}

impl HostFailed {
    /// The error for the caller, who may try again.
    pub(crate) fn error(part: &'static str, source: HostError) -> Error {
        Error::unavailable(Self { part, source })
    }
}
