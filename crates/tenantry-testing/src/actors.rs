//! Callers to act as in a test: what a layer would have made of a credential that it verified.
//!
//! ```
//! use tenantry_testing::actors;
//!
//! let alice = actors::alice();
//! assert_eq!(alice.principal().id(), "alice");
//! assert_eq!(alice.user()?.verified_email().map(ToString::to_string).as_deref(), Some("alice@example.com"));
//! # Ok::<(), tenantry_core::values::error::Error>(())
//! ```

use tenantry_core::{
    access::caller::{Caller, Identity, Presented},
    values::{address::Address, ids::UserId},
};

/// A user whose id and username are `name`, and whose verified e-mail address is `<name>@example.com`.
///
/// # Panics
/// When `name` cannot be part of an e-mail address.
#[must_use]
pub fn user(name: &str) -> Caller {
    user_at(name, &format!("{name}@example.com"), true)
}

/// A user whose id and username are `name`, with this e-mail address, verified or not.
///
/// # Panics
/// When `name` is no user id, or `email` is no e-mail address.
#[must_use]
pub fn user_at(name: &str, email: &str, verified: bool) -> Caller {
    let mut identity = Identity::new(UserId::new(name).expect("the name must do as a user id"));
    identity.email = Some(Address::email(email).expect("the address must be one of e-mail"));
    identity.email_verified = verified;
    identity.username = Some(Address::username(name).expect("the name must do as a username"));
    Caller::User(Box::new(identity))
}

/// The user `alice`.
#[must_use]
pub fn alice() -> Caller {
    user("alice")
}

/// The user `bob`.
#[must_use]
pub fn bob() -> Caller {
    user("bob")
}

/// The user `carol`.
#[must_use]
pub fn carol() -> Caller {
    user("carol")
}

/// The user `mallory`, who is up to no good.
#[must_use]
pub fn mallory() -> Caller {
    user("mallory")
}

/// The user `root`, who administers the platform.
///
/// # Panics
/// Never: `root` is a good name.
#[must_use]
pub fn platform_admin() -> Caller {
    let mut identity = user("root").user().expect("it was made as a user").clone();
    identity.platform_admin = true;
    Caller::User(Box::new(identity))
}

/// Whoever presents this `<key>:<secret>`, as `tokens/create` answers it in `bearer`.
///
/// # Panics
/// When `bearer` is not of that form. The secret may be wrong: the operation that is tried tells.
#[must_use]
pub fn token(bearer: &str) -> Caller {
    Caller::Token(Presented::parse(bearer).expect("a bearer is the key of an API token, a colon and a secret"))
}

/// The id of a caller who is a user.
///
/// # Panics
/// When the caller is an API token.
#[must_use]
pub fn id(caller: &Caller) -> UserId {
    caller.user().expect("an API token has no user id").id.clone()
}
