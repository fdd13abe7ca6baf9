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
    generations::{Freshness, NoticeNumber, Subjects},
    identity::verified_user::KeyValidity,
    limits,
};

impl Tenant {
    /// Waits until the caller's rights in the organization have ended, and says why: they were removed, their API token was
    /// revoked or has expired, their JWT has expired, the organization was suspended or deleted; or it cannot be told any
    /// more (`unavailable`). A change of their rights that leaves them in is no end. Nor is the end of a session of the
    /// host's, unless it was said when it ends ([`until`](crate::identity::AuthenticatedUser::until)): the host, which ends
    /// it, ends its streams, too.
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
        // No notice tells whether an organization has an owner, on which a platform admin's rights depend: any may be of it.
        let is_told = !matches!(self.principal(), Principal::PlatformAdmin(_));
        let mut read_at = None;
        let mut unproven_since = None;
        loop {
            // What comes from here on wakes this again.
            heard.mark_unchanged();
            let now = clock.elapsed();
            known.require_valid_credential()?;
            let latest = context.generations.now();
            let is_fresh = context.generations.renew(&known.0.validity.freshness, now);
            if is_fresh && (is_told || read_at == Some(latest)) {
                unproven_since = None;
            } else if context.generations.linked(now) {
                read_at = Some(latest);
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
        if !validity.keys.stands() {
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
        let CurrentAccess { access, as_of, subjects } = self.read(&caller, organization).await?;
        let validity = Validity {
            freshness: Freshness::new(as_of, subjects),
            // No request asks for it.
            ends: Duration::ZERO,
            expires_at: access.expires_at(),
            keys: KeyValidity::default(),
        };
        Ok(Tenant::new(0, caller, access, self.clone(), validity))
    }

    /// `tenant` with the rights that its caller has in its organization now.
    async fn resolve_again(self: &Arc<Self>, tenant: &Tenant) -> Result<Tenant, Error> {
        let (caller, organization) = (tenant.caller(), tenant.organization_id());
        let key = match caller {
            // Two secrets of one token may end at different times.
            Caller::Token(presented) => self.generations.keyed().long(("token", organization, presented)),
            caller => self.generations.keyed().long(("caller", organization, caller.principal())),
        };
        for _ in 0..limits::ATTEMPTS_MAX {
            if let Some(known) = self.current.get(&key).filter(|known| self.is_fresh(known)) {
                return Ok(self.wrap(tenant, known));
            }
            let load = || {
                let (context, caller) = (self.clone(), caller.clone());
                async move {
                    let known = context.read(&caller, organization).await?;
                    context.current.insert(key, known.clone());
                    Ok(known)
                }
                .boxed()
            };
            let (loading, begins) = self.current_in_flight.join(key, load);
            let known = loading.await?;
            // What another stream has begun to read before the notice that woke this one may be older.
            if begins || self.is_fresh(&known) {
                return Ok(self.wrap(tenant, known));
            }
        }
        Ok(self.wrap(tenant, self.read(caller, organization).await?))
    }

    async fn read(&self, caller: &Caller, organization: OrganizationId) -> Result<CurrentAccess, Error> {
        // Before the read: a notice that comes during it makes what was read stale.
        let as_of = self.generations.now();
        let access = self.engine.resolve(caller, organization).await?;
        let subjects = match access.principal() {
            Principal::ApiToken(key) => self.generations.token(key),
            principal => match principal.user() {
                Some(user) => self.generations.member(organization, user),
                None => self.generations.organization_alone(organization),
            },
        };
        Ok(CurrentAccess { access, as_of, subjects })
    }

    fn is_fresh(&self, known: &CurrentAccess) -> bool {
        // As in `changed`: of a platform admin no notice tells everything.
        let is_told = !matches!(known.access.principal(), Principal::PlatformAdmin(_));
        (is_told || known.as_of == self.generations.now())
            && self.generations.is_fresh(known.as_of, known.subjects, self.engine.clock().elapsed())
    }

    /// `tenant` with what was read again.
    fn wrap(self: &Arc<Self>, tenant: &Tenant, CurrentAccess { access, as_of, subjects }: CurrentAccess) -> Tenant {
        let before = &tenant.0.validity;
        let validity = Validity {
            freshness: Freshness::new(as_of, subjects),
            ends: before.ends,
            // An API token's row says when it ends; a user's credential said so at first.
            expires_at: if access.principal().user().is_some() { before.expires_at } else { access.expires_at() },
            keys: before.keys.clone(),
        };
        Tenant::new(tenant.0.key, tenant.caller().clone(), access, self.clone(), validity)
    }
}

/// What was read again for a stream, and up to which notice it is known to be so.
#[derive(Clone)]
pub(crate) struct CurrentAccess {
    access: TenantAccess,
    as_of: NoticeNumber,
    subjects: Subjects,
}
