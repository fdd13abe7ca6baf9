//! Creates accounts for invitees who have none.

use async_trait::async_trait;

use crate::{
    host::directory::{HostError, HostFailed},
    secret::Plain,
    values::{
        error::{Error, ErrorKind},
        ids::UserId,
    },
};

/// Creates the account of somebody who registers by an invitation.
///
/// 1. Whoever registers has presented the invitation's token, which was sent to their e-mail address: the address
///    counts as verified.
/// 2. The account is created before the invitation is accepted, and the two cannot be one step. So creating must be
///    idempotent: for the same address **and the same password** it answers the same user again. Then a request that
///    broke off in between is simply repeated, with the same token.
/// 3. For an address that has an account with *another* password it answers [`NotRegistered::Taken`]. It never changes
///    the password of an existing account: a token entitles nobody to that.
/// 4. If it fails, the invitation stays as it was. If the organization has no seat left, the account stays, and its
///    owner does not become a member; the invitation can still be accepted.
/// 5. It sets its own limit to how long it may take, and logs no password.
///
/// A closure will do:
///
/// ```
/// use tenantry_core::{host::{Host, registrar::{NotRegistered, Registration}}, values::ids::UserId};
///
/// let host = Host::default().registrar(|registration: Registration| async move {
///     if registration.password.expose().contains("password") {
///         return Err(NotRegistered::Password("choose a password that nobody guesses".to_owned()));
///     }
///     // Into the table of users, with a hash of the password.
///     Ok(UserId::new(registration.email).map_err(|error| NotRegistered::Failed(error.into()))?)
/// });
/// # let _ = host;
/// ```
#[async_trait]
pub trait Registrar: Send + Sync + 'static {
    /// Creates the account, and answers the user's whole id: what the `sub` of their JWTs will be or, if the host has
    /// the ids of its issuer's users qualified, [`UserId::qualified`].
    async fn register(&self, registration: Registration) -> Result<UserId, NotRegistered>;
}

/// The account to create.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registration {
    /// The e-mail address that was invited.
    pub email: String,
    /// The password that they chose: 8 to 1024 characters. It does not print, and is wiped when it is dropped.
    pub password: Plain,
    /// Their name: the one that they gave, or else the one in the invitation.
    pub name: Option<String>,
}

/// Why no account was created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// The password is not acceptable; the text is shown to whoever registers, and says how to correct it.
    #[error("the password does not do")]
    Password(String),
    /// The address has an account, with another password.
    #[error("there is an account with this address")]
    Taken,
    /// The host failed.
    #[error("the registrar failed")]
    Failed(#[from] HostError),
}

#[async_trait]
impl<F, Registered> Registrar for F
where
    F: Fn(Registration) -> Registered + Send + Sync + 'static,
    Registered: Future<Output = Result<UserId, NotRegistered>> + Send,
{
    async fn register(&self, registration: Registration) -> Result<UserId, NotRegistered> {
        self(registration).await
    }
}

impl From<NotRegistered> for Error {
    fn from(error: NotRegistered) -> Self {
        match error {
            NotRegistered::Password(mend) => Self::invalid_field("password", "refused", mend),
            NotRegistered::Taken => Self::new(
                ErrorKind::AlreadyRegistered,
                "there is an account with the invited address: sign in with it, then accept the invitation",
            ),
            NotRegistered::Failed(source) => HostFailed::error("registrar", source),
        }
    }
}
