//! Operations from the host's own code.

use std::fmt;

use tenantry_core::{
    access::caller::{Caller, Identity, Presented},
    engine::{
        Engine,
        idempotency::IdempotencyKey,
        operation::{Operation, Request},
    },
    values::{
        error::{Error, ErrorKind},
        host_actor::{HostActor, InvalidHostActor},
        ids::OrganizationId,
    },
    wire::OrgMembership,
};

use crate::{Tenant, Tenantry, TenantryLayer};

/// Somebody in whose name the host's code carries out operations: a user, an API token, or the host itself. Cheap to
/// clone.
///
/// Every operation is a type with a `new`; they are listed in [`core::operations`](tenantry_core::operations). Who may do
/// what is decided as it is over HTTP, in the transaction of the operation.
///
/// ```
/// use std::sync::Arc;
///
/// use tenantry::{
///     EmbeddedStore, Tenantry,
///     core::{
///         access::caller::Identity,
///         operations::{members, organizations},
///         values::ids::UserId,
///     },
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tenantry = Tenantry::builder().store(Arc::new(EmbeddedStore::in_memory()?)).build()?;
/// let ann = tenantry.as_user(Identity::new(UserId::new("ann")?));
/// let acme = ann.run(&organizations::Create::new("Acme")).await?.organization;
///
/// let import = tenantry.as_host("import")?;
/// import.run(&members::Add::new(acme.id, UserId::new("bob")?)).await?;
/// assert_eq!(import.run(&members::List::new(acme.id)).await?.members.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Actor {
    engine: Engine,
    caller: Caller,
    layer: TenantryLayer,
}

impl Tenantry {
    /// Acts in the name of a user, with their rights and no others. The host answers for it that it is them.
    #[must_use]
    pub fn as_user(&self, identity: Identity) -> Actor {
        self.actor(Caller::User(Box::new(identity)))
    }

    /// Acts in the name of an API token, given as `<key>:<secret>`. Whether it is valid is decided at each operation.
    ///
    /// # Errors
    /// `invalid_token`, if the text is no API token.
    pub fn as_token(&self, bearer: &str) -> Result<Actor, Error> {
        let malformed = || Error::new(ErrorKind::InvalidToken, "the API token is malformed: give <key>:<secret>");
        Ok(self.actor(Caller::Token(Presented::parse(bearer).ok_or_else(malformed)?)))
    }

    /// Acts as the host itself, by the `name` of the part of its code that does, such as `billing-job`: the audit log
    /// records it. Nobody becomes the host by a request.
    ///
    /// The host may do what an owner may, in every organization, also in one that is suspended; what a platform admin may;
    /// and what only the host may, such as [`members::Add`](tenantry_core::operations::members::Add). What only a person
    /// can do, such as to create an organization or to accept an invitation, is done [as a user](Self::as_user).
    ///
    /// # Danger
    /// It asks nobody. A route that hands what its caller says to an operation of the host's lets them do anything.
    ///
    /// # Errors
    /// If the name is empty, has more than 100 characters, or cannot be seen.
    pub fn as_host(&self, name: &str) -> Result<Actor, InvalidHostActor> {
        Ok(self.actor(Caller::Host(HostActor::new(name)?)))
    }

    fn actor(&self, caller: Caller) -> Actor {
        Actor { engine: self.engine().clone(), caller, layer: self.layer() }
    }
}

impl Actor {
    /// Carries out an operation.
    ///
    /// # Errors
    /// Those of the operation, such as `forbidden`, and `unavailable`.
    pub async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output, Error> {
        self.engine.run(&Request::new(self.caller.clone()), operation).await
    }

    /// Carries out an operation once, however often it is called with this key within 24 hours: whoever is not sure whether
    /// it was done calls it again, and gets the first answer.
    ///
    /// # Errors
    /// Those of the operation; `idempotency_mismatch`, if the key was used for something else.
    pub async fn run_once<O: Operation>(&self, key: IdempotencyKey, operation: &O) -> Result<O::Output, Error> {
        self.engine.run(&Request::new(self.caller.clone()).idempotency_key(Some(key)), operation).await
    }

    /// The [`Tenant`] that they are in an organization now: for a job that calls what takes a tenant.
    ///
    /// # Errors
    /// `not_found`, if they may not see it; `organization_suspended`, `invalid_token`, `unavailable`.
    pub async fn tenant(&self, organization: OrganizationId) -> Result<Tenant, Error> {
        self.layer.tenant(self.caller.clone(), organization).await
    }

    /// All organizations of the user.
    ///
    /// # Errors
    /// `forbidden` for whoever is no user; `unavailable`.
    pub async fn memberships(&self) -> Result<Vec<OrgMembership>, Error> {
        self.engine.memberships(&self.caller.user()?.id).await
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("principal", &self.caller.principal()).finish_non_exhaustive()
    }
}
