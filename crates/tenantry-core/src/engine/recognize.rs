//! Adds what the host's directory knows of a user to what their credential says.

use crate::{
    access::caller::{Caller, Identity},
    engine::{Engine, operation::Request},
    host::directory::{Found, Who},
    values::{address::Address, error::Error, visible_text},
};

impl Engine {
    /// The same request, with the caller's e-mail address and username from the host's directory, if their credential
    /// carries no address by which they could be invited. `None` if there is nothing to add.
    pub(crate) async fn recognize(&self, request: &Request) -> Result<Option<Request>, Error> {
        let Caller::User(identity) = &request.caller else { return Ok(None) };
        if identity.addresses().next().is_some() {
            return Ok(None);
        }
        let Found::User(profile) = self.host().find(Who::Id(identity.id.clone())).await? else { return Ok(None) };
        let email = profile.email.as_deref().and_then(|email| Address::email(email).ok());
        let known = Identity {
            email_verified: email.is_some(),
            email: email.or_else(|| identity.email.clone()),
            username: profile.username.as_deref().and_then(|username| Address::username(username).ok()),
            name: identity.name.clone().or(profile.name.filter(|name| visible_text::is_name(name))),
            ..Identity::clone(identity)
        };
        Ok(Some(Request { caller: Caller::User(Box::new(known)), idempotency_key: request.idempotency_key.clone() }))
    }
}
