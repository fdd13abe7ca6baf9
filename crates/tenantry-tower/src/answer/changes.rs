//! What becomes of a tenant after its request was let in: for streams, which live longer than an answer is remembered.
//!
//! 1. A stream asks nobody while nothing changes. Change notices wake it, and it looks whether one was about what its
//!    tenant depends on; then the rights are read again.
//! 2. Streams of one caller in one organization share that read, and what it brought.
//! 3. It ends when the credential ends, when the rights do, and when the store cannot prove for as long as
//!    [`max_staleness`](crate::TenantryLayerBuilder::max_staleness) that no notice is missing.

use std::{sync::Arc, time::Duration};

use futures_util::{
    FutureExt, Stream,
    future::{self, Either},
    stream,
};
use tenantry_core::{
    access::{caller::Caller, tenant_access::TenantAccess},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        principal::Principal,
    },
};

use crate::{
    answer::tenant::{Context, Tenant, Validity},
    generations::{Freshness, Moment, Subjects},
    identity::verified_user::Vouched,
    limits,
};

impl Tenant {
    /// Waits until the caller's rights in the organization have ended, and says why: they were removed, their API token was
    /// revoked or has expired, their JWT has expired, the organization was suspended or deleted; or it cannot be told any
    /// more (`unavailable`). A change of their rights that leaves them in is no end.
    ///
    /// For a WebSocket, server-sent events or a stream of gRPC, which would otherwise go on:
    ///
    /// ```
    /// # async fn next_message() -> Option<String> { None }
    /// # async fn serve(tenant: tenantry_tower::Tenant) {
    /// let mut ended = std::pin::pin!(tenant.ended());
    /// loop {
    ///     tokio::select! {
    ///         reason = &mut ended => break println!("{}", reason.code()),
    ///         message = next_message() => match message {
    ///             Some(message) => println!("{message}"),
    ///             None => break,
    ///         },
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn ended(&self) -> Error {
        let mut tenant = self.clone();
        loop {
            match tenant.changed().await {
                Ok(changed) => tenant = changed,
                Err(ended) => return ended,
            }
        }
    }

    /// Waits until something has changed about this tenant, and answers it as it is then: other roles or permissions, or
    /// another name of the organization.
    ///
    /// # Errors
    /// Why the rights have ended: see [`ended`](Self::ended).
    pub async fn changed(&self) -> Result<Self, Error> {
        let context = &self.0.context;
        let clock = context.engine.clock();
        let mut heard = context.generations.heard();
        let mut known = self.clone();
        let mut unproven_since = None;
        loop {
            // What comes from here on wakes this again.
            heard.mark_unchanged();
            let now = clock.elapsed();
            known.require_valid_credential()?;
            if context.generations.renew(&known.0.validity.freshness, now) {
                unproven_since = None;
            } else if context.generations.linked(now) {
                match context.resolve_again(&known).await {
                    Ok(again) if again.is_the_same(&known) => known = again,
                    Ok(again) => return Ok(again),
                    Err(error) if error.kind() == ErrorKind::Unavailable => unproven(&mut unproven_since, context)?,
                    Err(error) => return Err(error),
                }
            } else {
                unproven(&mut unproven_since, context)?;
            }
            let pause = clock.sleep(known.longest_pause());
            if let Either::Left(_) = future::select(std::pin::pin!(heard.changed()), pause).await {
                // On a busy platform, several notices wake it once.
                clock.sleep(limits::STREAM_PAUSE_MIN).await;
            }
        }
    }

    /// This tenant after each change, until the rights end: then why, as the last element.
    pub fn changes(&self) -> impl Stream<Item = Result<Self, Error>> + Send + use<> {
        stream::unfold(Some(self.clone()), async |tenant| match tenant?.changed().await {
            Ok(changed) => Some((Ok(changed.clone()), Some(changed))),
            Err(ended) => Some((Err(ended), None)),
        })
    }

    /// The credential has not ended by itself, and its key still counts.
    fn require_valid_credential(&self) -> Result<(), Error> {
        let validity = &self.0.validity;
        let now = self.0.context.engine.clock().now();
        if validity.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(Error::new(
                ErrorKind::ExpiredToken,
                "the credential has expired: connect again with a new one",
            ));
        }
        if !validity.vouched.stands() {
            let detail = "the key that signed the credential was withdrawn: connect again with a new one";
            return Err(Error::new(ErrorKind::InvalidToken, detail));
        }
        Ok(())
    }

    /// How long nothing needs to be looked at if no notice comes.
    fn longest_pause(&self) -> Duration {
        let context = &self.0.context;
        let now = context.engine.clock().now();
        let left = self.0.validity.expires_at.map_or(Duration::MAX, |expiry| expiry.since(now));
        // A frozen link tells nothing.
        left.min(context.generations.max_staleness() / 4).max(limits::STREAM_PAUSE_MIN)
    }

    fn is_the_same(&self, other: &Self) -> bool {
        self.roles() == other.roles()
            && self.permission_set() == other.permission_set()
            && self.organization_name() == other.organization_name()
            && self.organization_slug() == other.organization_slug()
    }
}

/// Refuses once it could not be told for too long whether notices are missing.
fn unproven(since: &mut Option<Duration>, context: &Context) -> Result<(), Error> {
    let now = context.engine.clock().elapsed();
    let since = *since.get_or_insert(now);
    let generations = &context.generations;
    if generations.is_proof_too_old(now) || now.saturating_sub(since) >= generations.max_staleness() {
        let detail = "it cannot be told any more whether you may go on: connect again";
        return Err(Error::away(detail, Duration::from_secs(1)));
    }
    Ok(())
}

impl Context {
    /// The tenant that `caller` is in an organization now.
    pub(crate) async fn resolve(
        self: &Arc<Self>,
        caller: Caller,
        organization: OrganizationId,
    ) -> Result<Tenant, Error> {
        let began = self.generations.now();
        let access = self.engine.resolve(&caller, organization).await?;
        let validity = Validity {
            freshness: Freshness::new(began, self.subjects(&access)),
            // No request asks for it.
            ends: Duration::ZERO,
            expires_at: access.expires_at(),
            vouched: Vouched::default(),
        };
        Ok(Tenant::new(0, caller, access, self.clone(), validity))
    }

    /// The rights of `tenant`'s caller in its organization as they are now.
    async fn resolve_again(self: &Arc<Self>, tenant: &Tenant) -> Result<Tenant, Error> {
        let key = self.generations.keyed().short(("stream", tenant.organization_id(), tenant.principal().to_string()));
        let key = u128::from(key);
        for _ in 0..limits::ATTEMPTS_MAX {
            if let Some(known) = self.again.get(&key).filter(|known| self.is_fresh(known)) {
                return Ok(self.wrap(tenant, known));
            }
            let load = || {
                let (context, caller, organization) = (self.clone(), tenant.caller().clone(), tenant.organization_id());
                async move {
                    let clock = context.engine.clock();
                    let began = Moment { as_of: context.generations.now(), at: clock.now(), elapsed: clock.elapsed() };
                    let access = context.engine.resolve(&caller, organization).await.map_err(Arc::new)?;
                    let subjects = context.subjects(&access);
                    let known = Again { access, began, subjects };
                    context.again.insert(key, known.clone());
                    Ok(known)
                }
                .boxed()
            };
            let (loading, begins) = self.again_in_flight.join(key, load);
            match loading.await {
                Ok(known) if begins || self.is_fresh(&known) => return Ok(self.wrap(tenant, known)),
                // Another stream's read began before the notice that woke this one.
                Ok(_) => {}
                Err(error) if begins => {
                    return Err(Arc::try_unwrap(error).unwrap_or_else(|shared| copy(&shared)));
                }
                Err(error) => return Err(copy(&error)),
            }
        }
        let access = self.engine.resolve(tenant.caller(), tenant.organization_id()).await?;
        let clock = self.engine.clock();
        let began = Moment { as_of: self.generations.now(), at: clock.now(), elapsed: clock.elapsed() };
        let subjects = self.subjects(&access);
        Ok(self.wrap(tenant, Again { access, began, subjects }))
    }

    fn is_fresh(&self, known: &Again) -> bool {
        self.generations.is_fresh(known.began.as_of, known.subjects, self.engine.clock().elapsed())
    }

    fn subjects(&self, access: &TenantAccess) -> Subjects {
        match access.principal() {
            Principal::ApiToken(key) => self.generations.token(key),
            principal => match principal.user() {
                Some(user) => self.generations.member(access.organization_id(), user),
                None => self.generations.organization_alone(access.organization_id()),
            },
        }
    }

    /// `tenant` with what was read again.
    fn wrap(self: &Arc<Self>, tenant: &Tenant, Again { access, began, subjects }: Again) -> Tenant {
        let before = &tenant.0.validity;
        let validity = Validity {
            freshness: Freshness::new(began.as_of, subjects),
            ends: before.ends,
            // An API token's row says when it ends; a user's credential said so at first.
            expires_at: if access.principal().user().is_some() { before.expires_at } else { access.expires_at() },
            vouched: before.vouched.clone(),
        };
        let caller: Caller = tenant.caller().clone();
        Tenant::new(tenant.0.key, caller, access, self.clone(), validity)
    }
}

/// What was read again for a stream.
#[derive(Clone)]
pub(crate) struct Again {
    access: TenantAccess,
    began: Moment,
    subjects: Subjects,
}

/// The same error for another stream.
fn copy(error: &Error) -> Error {
    match error.retry_after() {
        Some(after) if error.kind() == ErrorKind::Unavailable => Error::away(error.to_string(), after),
        _ => Error::new(error.kind(), error.to_string()),
    }
}
