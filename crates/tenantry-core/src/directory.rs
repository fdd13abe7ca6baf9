//! Who the host's users are.

use async_trait::async_trait;

use crate::{address::Address, error::Error, ids::UserId};

/// What a host's part of an operation failed with. It goes to the log, not to the caller: it must not contain a secret.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// Finds the host's users.
///
/// With one, nobody invites a username that does not exist, and nobody a member by another address that is theirs.
/// Without one, an invitation to a username waits for a user whose verified claim bears it.
///
/// 1. It is asked in the midst of a request, several times at once, and again when the request has to be decided anew:
///    it should answer at once, and it sets its own limit to how long it may take.
/// 2. `Ok(None)` says that there is no such user. When it cannot tell, it fails: the request is refused with
///    `unavailable`, and nothing is changed.
///
/// A closure will do:
///
/// ```
/// use tenantry_core::{address::Address, directory::{HostError, Profile}, host::Host, ids::UserId};
///
/// let host = Host::default().directory(|who: Address| async move {
///     // A look into the table of users, say.
///     let found = who.as_username() == Some("ann");
///     Ok::<_, HostError>(if found { Some(Profile::new(UserId::new("user-1")?)) } else { None })
/// });
/// # let _ = host;
/// ```
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The user whose verified e-mail address or username this is.
    async fn find(&self, who: Address) -> Result<Option<Profile>, HostError>;
}

/// What the host tells of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Who it is: the `sub` of their JWTs.
    pub id: UserId,
    /// Where mail reaches them, if the host knows. An invitation to their username is mailed there.
    pub email: Option<String>,
}

impl Profile {
    /// The user whom the host calls `id`.
    #[must_use]
    pub const fn new(id: UserId) -> Self {
        Self { id, email: None }
    }

    /// Where mail reaches them.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }
}

#[async_trait]
impl<F, Found> Directory for F
where
    F: Fn(Address) -> Found + Send + Sync + 'static,
    Found: Future<Output = Result<Option<Profile>, HostError>> + Send,
{
    async fn find(&self, who: Address) -> Result<Option<Profile>, HostError> {
        self(who).await
    }
}

/// What is known of an address.
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
    /// What the caller is told of it: to try again.
    pub(crate) fn error(part: &'static str, source: HostError) -> Error {
        Error::unavailable(Self { part, source })
    }
}
